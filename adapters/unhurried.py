"""A large JSON body parsed in slices, so that other requests have their turn; what comes out is what `parse` gives.

The C scanner holds the thread for two milliseconds per megabyte. Here it is given only what ends soon; longer objects
and arrays are walked member by member, and longer strings are read a stretch at a time.
"""

import codecs
import re
from collections.abc import Generator
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]  # untyped, but documented in its source
from typing import Any, Final

from adapters.document import (
    FAULTS,
    Document,
    Member,
    duplicate,
    no_object,
    require_json,
    scan_value,
    skip_whitespace,
    told,
)

STRETCH: Final = 64 * 1024  # characters read between two turns: a tenth of a millisecond or two
_WHOLE: Final = re.compile(  # characters of a string, none of them cut: a pair of \\uXXXX may be one
    r"(?:[^\"\\]{1,1024}|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|\\u[0-9a-fA-F]{4}|\\.){0,64}",
    re.DOTALL,
)


def parse_in_slices(body: bytes, stretch: int = STRETCH) -> Generator[None, None, Document]:
    """As `document.parse`, which see; yields where something else may be done."""
    try:
        text = yield from _decoded(body, stretch)
        return (yield from _Walk(text, stretch).document(body))
    except FAULTS as error:
        raise told(error) from None


def _decoded(body: bytes, stretch: int) -> Generator[None, None, str]:
    """The body as text. A fault's place is counted from the beginning."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    pieces: list[str] = []
    for start in range(0, len(body), 16 * stretch):
        stop = start + 16 * stretch
        held = len(decoder.getstate()[0])  # of a character that the last cut went through
        try:
            pieces.append(decoder.decode(body[start:stop], final=stop >= len(body)))
        except UnicodeDecodeError as fault:
            at = fault.start + start - held
            raise UnicodeDecodeError(
                "utf-8", b"", at, at + 1, fault.reason
            ) from None  # without the body in it
        yield
    return "".join(pieces)


class _Walk:
    """One text, read from left to right."""

    __slots__ = ("_at", "_left", "_stretch", "_text")

    def __init__(self, text: str, stretch: int) -> None:
        self._text = text
        self._at = 0
        self._stretch = stretch
        self._left = stretch  # characters until the next turn

    def document(self, body: bytes) -> Generator[None, None, Document]:
        """The whole body, with its members' places."""
        text = self._text
        self._skip()
        if text[self._at : self._at + 1] != "{":
            require_json(text, self._at)
            yield from self._value()  # raises where it is no JSON at all
            raise no_object()
        members: dict[str, Member] = {}
        values = yield from self._object(members)
        self._skip()
        if self._at != len(text):
            raise JSONDecodeError("nothing may follow the object", text, self._at)
        return Document(body, text, values, members)

    def _skip(self) -> None:
        self._at = skip_whitespace(self._text, self._at).end()  # type: ignore[union-attr]  # it matches emptiness

    def _turn(self, start: int) -> Generator[None, None, None]:
        """Count what has been read since `start`."""
        self._left -= self._at - start + 32
        if self._left <= 0:
            self._left = self._stretch
            yield

    def _value(self) -> Generator[None, None, Any]:
        """The value that begins here."""
        start, first = self._at, self._text[self._at]
        if first not in '{["':
            try:
                value, self._at = scan_value(self._text, start)
            except StopIteration:  # which would end a generator otherwise
                raise IndexError from None
            return value
        window = self._text[start : start + self._stretch]
        try:
            value, length = scan_value(window, 0)
        except (JSONDecodeError, StopIteration, IndexError):  # it ends further on, or never: walk it
            if first == "{":
                return (yield from self._object(None))
            return (yield from (self._array() if first == "[" else self._string()))
        self._at += length
        yield from self._turn(start)
        return value

    def _object(self, members: dict[str, Member] | None) -> Generator[None, None, dict[str, Any]]:
        """The object that begins here; the places of its members, where somebody asks for them."""
        text = self._text
        values: dict[str, Any] = {}
        self._at += 1
        self._skip()
        if text[self._at] == "}":
            self._at += 1
            return values
        while True:
            start = self._at
            if text[start] != '"':
                raise JSONDecodeError("a key in double quotes was expected", text, start)
            key, self._at = scanstring(text, start + 1, True)
            self._skip()
            if text[self._at] != ":":
                raise JSONDecodeError("':' was expected", text, self._at)
            self._at += 1
            self._skip()
            if key in values:
                raise duplicate(key)
            value_start = self._at
            values[key] = yield from self._value()
            if members is not None:
                members[key] = Member(start, value_start, self._at)
            if not self._another("}"):
                return values

    def _array(self) -> Generator[None, None, list[Any]]:
        items: list[Any] = []
        self._at += 1
        self._skip()
        if self._text[self._at] == "]":
            self._at += 1
            return items
        while True:
            start = self._at
            items.append((yield from self._value()))
            yield from self._turn(start)
            if not self._another("]"):
                return items

    def _another(self, close: str) -> bool:
        """Whether a comma leads on, rather than the end."""
        self._skip()
        found = self._text[self._at]
        if found not in (",", close):
            raise JSONDecodeError(f"',' or '{close}' was expected", self._text, self._at)
        self._at += 1
        if found == ",":
            self._skip()
        return found == ","

    def _string(self) -> Generator[None, None, str]:
        """The string that begins here, a stretch at a time."""
        text, pieces = self._text, []
        self._at += 1
        while text[self._at] != '"':
            start, stop = self._at, _WHOLE.match(text, self._at).end()  # type: ignore[union-attr]  # as above
            if stop == start:  # a backslash at the very end
                raise IndexError
            try:
                pieces.append(scanstring(f'{text[start:stop]}"', 0, True)[0])
            except JSONDecodeError as fault:
                raise JSONDecodeError(fault.msg, text, start + fault.pos) from None
            self._at = stop
            yield from self._turn(start)
        self._at += 1
        return "".join(pieces)
