"""AWS's binary event stream (`application/vnd.amazon.eventstream`): messages with headers and two checksums.

    total length (4) | headers' length (4) | CRC-32 of those eight (4) | headers | payload | CRC-32 of all before (4)

All numbers are big-endian. A header is: length of its name (1), name, type of its value (1), value; text (type 7) is
its length (2) and UTF-8.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from adapters.errors import UpstreamError

_PRELUDE: Final = struct.Struct(">III")
_CHECK: Final = struct.Struct(">I")
_SHORT: Final = struct.Struct(">H")
_LONGEST: Final = 24 * 1024 * 1024  # bytes of a message, the format's own limit being 16 MiB of payload
_WIDTHS: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # header values of a fixed length, by type
_BYTES: Final = 6
_TEXT: Final = 7


@dataclass(frozen=True, slots=True)
class Message:
    """One message; only headers that hold text are kept."""

    headers: Mapping[str, str]
    payload: bytes = field(repr=False)


class Frames:
    """Collects bytes until messages are whole."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def pending(self) -> bool:
        """Whether a message has begun that is not whole."""
        return bool(self._held)

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are whole now. Raises UpstreamError where the bytes are no event stream."""
        held = self._held
        held += data
        while len(held) >= _PRELUDE.size:
            total, headers, check = _PRELUDE.unpack_from(held)
            if zlib.crc32(held[:8]) != check or not _fits(total, headers):
                raise _broken("a message's length is not what its checksum says")
            if len(held) < total:
                return
            whole = bytes(held[:total])
            del held[:total]
            if zlib.crc32(whole[:-4]) != _CHECK.unpack_from(whole, total - 4)[0]:
                raise _broken("a message is not what its checksum says")
            body = _PRELUDE.size + headers
            yield Message(_headers(whole[_PRELUDE.size : body]), whole[body:-4])


def _fits(total: int, headers: int) -> bool:
    return _PRELUDE.size + headers + _CHECK.size <= total <= _LONGEST


def _headers(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            name = data[at + 1 : at + 1 + data[at]].decode()
            at += 1 + data[at]
            kind = data[at]
            at += 1
            if kind in (_BYTES, _TEXT):
                (width,) = _SHORT.unpack_from(data, at)
                at += 2
                if kind == _TEXT:
                    found[name] = data[at : at + width].decode()
            else:
                width = _WIDTHS[kind]
            at += width
    except (IndexError, KeyError, UnicodeDecodeError, struct.error):
        raise _broken("a message's headers are misshapen") from None
    return found


def _broken(why: str) -> UpstreamError:
    return UpstreamError("protocol", f"the provider's event stream is broken: {why}", sent=True)
