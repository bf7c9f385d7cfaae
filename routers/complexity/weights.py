"""The weights as bytes: written by training, read by the scorer, refused when damaged or foreign."""

import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from json import dumps, loads
from math import isfinite
from struct import Struct
from typing import Any, Final

from routers.complexity.reading import BITS, FEATURES, FORMS, PAIRS, STEM
from routers.complexity.trees import Node, flatten, unflatten

MAGIC: Final = b"WEIRCPLX"
VERSION: Final = 1
_LAYOUT: Final = [BITS, STEM, PAIRS]  # what a bucket stands for
_HEAD: Final = Struct("<8sHI32s")  # magic, version, length of the JSON card, SHA-256 of everything after
CALIBRATED: Final = "calibrated"  # the card's entry on the traffic that its quantiles come from
LARGEST: Final = 3 << 20  # bytes of a file
_MOST: Final = 16 << 20  # bytes a table may unpack to: a damaged or hostile file must not fill the memory


class BadWeights(ValueError):  # noqa: N818  # it says what the file is
    """The bytes are no weights this version can read; the message says why."""


@dataclass(frozen=True, slots=True)
class Weights:
    """All that a score needs: raw = bias + facts · coefficients + trees + words' pull, then a logistic curve."""

    tables: "tuple[array[int], ...]"  # per form, one signed byte per bucket
    steps: tuple[float, ...]  # per form, what one unit in its table is worth
    coefficients: tuple[tuple[float, ...], ...]  # per form, one per feature
    trees: tuple[tuple[Node, ...], ...]  # per form
    biases: tuple[float, ...]  # per form
    slopes: tuple[float, ...]  # per form, of the logistic curve that makes a raw score a chance
    intercepts: tuple[float, ...]  # per form
    seen: bytes  # keys of the prompts they were trained on: little-endian CRC-32s, ascending
    card: Mapping[str, Any]  # where they come from: data, date, metrics

    def with_card(self, card: Mapping[str, Any]) -> "Weights":
        """The same weights, with that card."""
        return replace(self, card=card)

    def to_bytes(self) -> bytes:
        """One file: head, JSON card, zlib-packed tables. The same weights give the same bytes."""
        card = {
            "features": [feature.name for feature in FEATURES],
            "layout": _LAYOUT,
            "steps": self.steps,
            "coefficients": self.coefficients,
            "trees": [[flatten(tree) for tree in trees] for trees in self.trees],
            "biases": self.biases,
            "slopes": self.slopes,
            "intercepts": self.intercepts,
            "card": dict(self.card),
        }
        text = dumps(card, sort_keys=True, separators=(",", ":")).encode()
        body = text + zlib.compress(b"".join([*(table.tobytes() for table in self.tables), self.seen]), 9)
        return _HEAD.pack(MAGIC, VERSION, len(text), sha256(body).digest()) + body

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Ascending quantiles of the scores they were calibrated on; empty where the card has none."""
        return tuple(self.card.get("quantiles", ()))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Weights":
        """Reads what `to_bytes` wrote. Raises BadWeights."""
        if len(data) > LARGEST:
            raise BadWeights(f"the weights have more than {LARGEST >> 20} MB")
        if len(data) < _HEAD.size:
            raise BadWeights("the weights are cut short")
        magic, version, length, digest = _HEAD.unpack_from(data)
        if magic != MAGIC:
            raise BadWeights("these are not complexity weights")
        if version != VERSION:
            raise BadWeights(f"the weights have version {version}, this program reads version {VERSION}")
        body = memoryview(data)[_HEAD.size :]
        if sha256(body).digest() != digest:
            raise BadWeights("the weights are damaged: their checksum does not match")
        try:
            return cls._read(loads(bytes(body[:length])), bytes(body[length:]))
        except BadWeights:
            raise
        except (AttributeError, KeyError, IndexError, TypeError, ValueError, zlib.error) as error:
            raise BadWeights(f"the weights cannot be read: {type(error).__name__}") from error

    @classmethod
    def _read(cls, card: dict[str, Any], packed: bytes) -> "Weights":
        if card["features"] != [feature.name for feature in FEATURES] or card["layout"] != _LAYOUT:
            raise BadWeights(
                "the weights were trained on other features than this program reads: train them anew, with "
                "`weir router train`"
            )
        quantiles = card["card"].get("quantiles", [])
        if list(_numbers(quantiles, len(quantiles))) != sorted(quantiles):
            raise BadWeights("the weights' quantiles do not ascend")
        unpacked = zlib.decompressobj().decompress(packed, _MOST)
        size, forms = 1 << BITS, len(FORMS)
        if len(unpacked) < size * forms:
            raise BadWeights("the weights' tables are cut short")
        return cls(
            tuple(array("b", unpacked[at * size : (at + 1) * size]) for at in range(forms)),
            _numbers(card["steps"], forms),
            tuple(_numbers(card["coefficients"][form], len(FEATURES)) for form in range(forms)),
            tuple(
                tuple(unflatten(row, len(FEATURES)) for row in card["trees"][form]) for form in range(forms)
            ),
            _numbers(card["biases"], forms),
            _numbers(card["slopes"], forms),
            _numbers(card["intercepts"], forms),
            unpacked[size * forms :],
            card["card"],
        )


def _numbers(values: Sequence[float], count: int) -> tuple[float, ...]:
    """So many finite numbers. Raises ValueError."""
    numbers = tuple(map(float, values))
    if len(numbers) != count or not all(map(isfinite, numbers)):
        raise ValueError("numbers are missing or not finite")
    return numbers
