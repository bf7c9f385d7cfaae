"""A JSON body parsed once: its values, and where each top-level value stands in the text.

Weir relays bytes. It parses a body a single time to judge it, and when something must change
(the model's name, Weir's own metadata) it splices the new text in where the old one stood, so
that everything else reaches the provider exactly as the application wrote it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from json import JSONDecodeError, JSONDecoder
from json.decoder import scanstring  # type: ignore[attr-defined]  # untyped, but documented in its source
from typing import Any, Final, Literal

_COPIED_TWICE: Final = 16 * 1024  # bytes of a body below which that costs less than two views of it
AT_ONCE: Final = 256 * 1024  # bytes of a body that are read, or written, in half a millisecond
skip_whitespace = re.compile(r"[ \t\n\r]*").match
# A key that needs no unescaping, with the colon behind it and the white space around that: all but the oddest keys.
_KEY: Final = r'("([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*)'
_first_plain_key = re.compile(rf"[ \t\n\r]*{{[ \t\n\r]*{_KEY}").match
_next_plain_key = re.compile(rf"[ \t\n\r]*,[ \t\n\r]*{_KEY}").match

type_of_fault = Literal["not_utf8", "not_json", "not_an_object", "duplicate_key", "too_deep", "encoded"]


class InvalidDocument(ValueError):  # noqa: N818  # it names what the client sent
    """The body is not one JSON object that every parser reads alike. `str()` is fit for the client:
    it names positions and keys, never values."""

    def __init__(self, fault: type_of_fault, message: str) -> None:
        super().__init__(message)
        self.fault: Final = fault


@dataclass(slots=True)  # not frozen, though nobody changes one: several are made for every request
class Member:
    """Where one top-level member stands in the text, from its key's quote to its value's end (characters; bytes where
    the document keeps no text)."""

    start: int
    value_start: int
    end: int


class Pieces:
    """Bytes to send one after another: to join them would copy a large body whole, at once."""

    __slots__ = ("_length", "parts")

    def __init__(self, parts: Sequence[bytes | memoryview]) -> None:
        self.parts: Final = parts
        self._length: Final = sum(map(len, parts))

    def __len__(self) -> int:
        return self._length

    def __bytes__(self) -> bytes:
        return b"".join(self.parts)


Body = bytes | Pieces


@dataclass(slots=True)  # not frozen, as `Member` is not
class Document:
    """One JSON object: `body` as it came and its `text`, `values` by top-level key, `members` with their positions.
    A large one keeps no text."""

    body: bytes = field(repr=False)
    text: str = field(repr=False)
    values: dict[str, Any] = field(repr=False)
    members: dict[str, Member]

    @property
    def large(self) -> bool:
        """Whether to do something to all of it would hold others up."""
        return len(self.body) > AT_ONCE

    def rewritten(self, changes: Mapping[str, str | None]) -> Body:
        """The same text, with each named top-level value replaced by the given JSON text; in pieces, where the
        document keeps no text.

        A key that is absent is added at the end; `None` removes the member. All else keeps its bytes.
        """
        if len(changes) == 1:
            ((key, value),) = changes.items()
            member = self.members.get(key)
            if member is not None and value is not None:  # as nearly always: the model's name
                return self._with(member.value_start, member.end, value)
        edits: list[tuple[int, int, str]] = []
        added = []
        removed = {key for key, value in changes.items() if value is None and key in self.members}
        for key, value in changes.items():
            member = self.members.get(key)
            if member is None:
                if value is not None:
                    added.append(f'"{key}":{value}')
            elif value is not None:
                edits.append((member.value_start, member.end, value))
        edits.extend(self._cuts(removed))
        # In ASCII a character is a byte: what stays is copied once, however long it is (pictures are).
        kept_text = memoryview(self.body) if self.text.isascii() else self.text
        if added:
            close = self.body.rindex(b"}") if self.text.isascii() else self.text.rindex("}")
            kept = len(self.members) - len(removed)
            edits.append((close, close, ("," if kept else "") + ",".join(added)))
        pieces: list[bytes | memoryview] = []
        at = 0
        for start, end, value in sorted(edits):
            pieces += (_bytes(kept_text[at:start]), value.encode())
            at = end
        pieces.append(_bytes(kept_text[at:]))
        return b"".join(pieces) if self.text else Pieces(pieces)

    def _with(self, start: int, end: int, value: str) -> Body:
        """The same text, with other characters from `start` to `end`."""
        body, text = self.body, self.text
        if text.isascii():  # a character is a byte
            kept = body if len(body) < _COPIED_TWICE else memoryview(body)
            pieces = (kept[:start], value.encode(), kept[end:])
            return b"".join(pieces) if text else Pieces(pieces)
        return b"".join((text[:start].encode(), value.encode(), text[end:].encode()))

    def _cuts(self, removed: set[str]) -> list[tuple[int, int, str]]:
        """The stretches to cut so that the members in `removed` go, each with the comma that joined it."""
        cuts: list[tuple[int, int, str]] = []
        members = list(self.members.items())
        kept_before = False
        for i, (key, member) in enumerate(members):
            if key not in removed:
                kept_before = True
                continue
            last = i == len(members) - 1
            if kept_before:  # the comma before it goes with it
                cuts.append((members[i - 1][1].end, member.end, ""))
            else:  # nothing stands before it: the comma behind it goes
                cuts.append((member.start, member.end if last else members[i + 1][1].start, ""))
        return cuts


def _bytes(piece: str | memoryview) -> bytes | memoryview:
    return piece.encode() if isinstance(piece, str) else piece


def parse(body: bytes) -> Document:
    """Parse one JSON object. Raises InvalidDocument for anything parsers could disagree about:
    invalid UTF-8, duplicate keys at any depth, NaN and infinities, text behind the object."""
    try:
        return _walk(body, body.decode())
    except FAULTS as error:
        raise told(error) from None


_BEGINNINGS: Final = frozenset(
    '{["-0123456789tfnNI'
)  # of JSON's values; NaN and Infinity are named by their fault
FAULTS: Final = (ValueError, StopIteration, IndexError, RecursionError)  # what reading a bad body raises


def told(error: Exception) -> InvalidDocument:
    """What is wrong with the body, where reading it raised one of FAULTS."""
    match error:
        case InvalidDocument():
            return error
        case UnicodeDecodeError():
            return InvalidDocument("not_utf8", f"the body is not UTF-8: byte {error.start} is invalid")
        case JSONDecodeError():
            return InvalidDocument("not_json", f"the body is not JSON: {error.msg} at character {error.pos}")
        case RecursionError():
            return InvalidDocument("too_deep", "the body is nested too deeply")
        case ValueError():  # a number of more digits than Python will convert
            return InvalidDocument("not_json", f"the body is not JSON Weir can read: {error}")
    return InvalidDocument("not_json", "the body is not JSON: it ends too early or has an empty place")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's members; refuses two of one name, since parsers disagree about which of them counts."""
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise duplicate(key)
            seen.add(key)
    return members


def duplicate(key: str) -> InvalidDocument:
    """An object has this key twice."""
    return InvalidDocument("duplicate_key", f"the key {key[:64]!r} stands twice in one object; send it once")


def require_json(text: str, at: int) -> None:
    """Raise InvalidDocument where no JSON value can begin: what came is something else."""
    if at == len(text):
        raise InvalidDocument("not_json", "the body is empty")
    if text[at] not in _BEGINNINGS:
        what = "a byte order mark; send it without" if text[at] == "\ufeff" else f"{text[at]!r}"
        raise InvalidDocument("not_json", f"the body is not JSON: it begins with {what}")


def no_object() -> InvalidDocument:
    """The body is JSON, but something else."""
    return InvalidDocument("not_an_object", 'the body must be a JSON object, like {"model": …}')


def _refuse_constant(name: str) -> Any:
    raise InvalidDocument("not_json", f"the body is not JSON: {name} is not a JSON number")


_decoder = JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
scan_value = _decoder.scan_once  # type: ignore[attr-defined]  # typeshed leaves it out


def _walk(body: bytes, text: str) -> Document:
    """Walk the top-level object, handing each value to the C scanner, and note where it stood."""
    values: dict[str, Any] = {}
    members: dict[str, Member] = {}
    plain = _first_plain_key(text)
    at = 0 if plain is not None else _opened(text)
    while plain is not None or text[at] != "}":
        if plain is not None:
            at, value_start = plain.span(1)
            key = plain[2]
        else:
            key, value_start = _key(text, at)
        if key in values:
            raise duplicate(key)
        values[key], end = scan_value(text, value_start)
        members[key] = Member(at, value_start, end)
        if text[end] == "}":
            at = end
            break
        plain = _next_plain_key(text, end)
        if plain is None:
            at = _behind_value(text, end)
    if at + 1 != len(text):
        at = _behind_space(text, at + 1)
        if at != len(text):
            raise JSONDecodeError("nothing may follow the object", text, at)
    return Document(body, text, values, members)


def _behind_space(text: str, at: int) -> int:
    return skip_whitespace(text, at).end()  # type: ignore[union-attr]  # the pattern matches the empty string


def _opened(text: str) -> int:
    """Where the first key stands, or the end of an empty object, where no plain key opens one."""
    at = _behind_space(text, 0)
    if text[at : at + 1] != "{":
        require_json(text, at)
        scan_value(text, at)  # raises where it is no JSON at all
        raise no_object()
    return _behind_space(text, at + 1)


def _key(text: str, at: int) -> tuple[str, int]:
    """A member's key, and where its value starts."""
    if text[at] != '"':
        raise JSONDecodeError("a key in double quotes was expected", text, at)
    key, at = scanstring(text, at + 1, True)
    at = _behind_space(text, at)
    if text[at] != ":":
        raise JSONDecodeError("':' was expected", text, at)
    return key, _behind_space(text, at + 1)


def _behind_value(text: str, at: int) -> int:
    """Where the next key stands, or the object's end."""
    at = _behind_space(text, at)
    if text[at] == "}":
        return at
    if text[at] != ",":
        raise JSONDecodeError("',' or '}' was expected", text, at)
    at = _behind_space(text, at + 1)
    if text[at] == "}":
        raise JSONDecodeError("a key in double quotes was expected", text, at)
    return at
