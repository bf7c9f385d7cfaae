"""A large JSON body parsed in slices, so that other requests have their turn; what comes out is what `parse` gives.

The C scanner holds the thread for two milliseconds per megabyte. Here it is given only what ends soon; longer objects
and arrays are walked member by member, and longer strings are read a stretch at a time. The body is decoded as it is
read, into a window that moves along: nothing but a long string itself is ever held as text in one piece.
"""

import codecs
import ctypes
import re
from collections.abc import Generator
from gc import is_tracked
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]  # untyped, but documented in its source
from typing import Any, Final

from adapters import longtext
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
_ITEM: Final = 1024  # characters that could be read in the time an item takes besides
_LONGEST_NUMBER: Final = 64 * 1024  # characters
_LONGEST_WORD: Final = 9  # characters: -Infinity
_LET_GO: Final = 64  # items of a long list that are freed at a time
_SHORTEST_STRETCH: Final = 16  # characters: longer than any word, or two escapes
# The cycle collector would walk a list of a hundred thousand messages, and theirs of parts, whenever it looks at their
# generation, for five milliseconds and more. What is parsed has no cycles.
_untracked: Final = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("PyObject_GC_UnTrack", ctypes.pythonapi))
_opens_pair = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}").match  # the first of two escapes for one character


def parse_in_slices(body: bytes, stretch: int = STRETCH) -> Generator[None, None, Document]:
    """As `document.parse`, which see, but for the text, which is not kept: members' places are of bytes. Yields where
    something else may be done."""
    walk = _Walk(body, stretch)
    try:
        return (yield from walk.document())
    except FAULTS as error:
        fault = told(error)
    try:
        yield from walk.rest()  # a body that is not UTF-8 is told so, wherever else it is at fault
    except UnicodeDecodeError as error:
        fault = told(error)
    raise fault


def let_go(document: Document) -> Generator[None, None, None]:
    """Let go of what was parsed, and of the body, some at a time: to free memory takes its time, too."""
    yield from let_go_values(document.values)
    body: list[str | bytes] = [document.body]
    document.body = b""
    yield from longtext.let_go(body)


def let_go_values(values: dict[str, Any]) -> Generator[None, None, None]:
    """The same of values alone."""
    stack: list[list[Any] | dict[str, Any]] = [values]
    while stack:
        top = stack[-1]
        if not top:
            stack.pop()
            continue
        if isinstance(top, dict):
            some = [top.popitem()[1]]
        else:
            some = top[-_LET_GO:]
            del top[-_LET_GO:]
        stack += [each for each in some if _holds_much(each)]
        long = [each for each in some if _is_long(each)]
        del some
        yield from longtext.let_go(long)
        yield


def _holds_much(value: Any) -> bool:
    left = _LET_GO
    found: list[Any] = [value]
    for each in found:  # to its end, which moves on as what is held is found
        if isinstance(each, list | dict):
            left -= len(each)
            if left < 0:
                return True
            found += each if isinstance(each, list) else each.values()
        elif _is_long(each):
            return each is not value
    return False


def _is_long(value: Any) -> bool:
    return value.__class__ is str and len(value) > longtext.LET_GO


class _Walk:
    """One body, read from left to right."""

    __slots__ = ("_at", "_body", "_decoder", "_known", "_left", "_next", "_passed", "_stretch", "_text")

    def __init__(self, body: bytes, stretch: int) -> None:
        self._body = body
        self._next = 0  # the first byte that is not decoded yet
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""  # the window
        self._at = 0  # where in it
        self._passed = 0  # characters before it
        self._known = (0, 0)  # a character in it, and which byte of the body that is
        self._stretch = max(stretch, _SHORTEST_STRETCH)
        self._left = self._stretch  # characters until the next turn

    def document(self) -> Generator[None, None, Document]:
        """The whole body, with its members' places."""
        self._ahead()
        if not self._skip():
            yield from self._space()
        if self._text[self._at : self._at + 1] != "{":
            require_json(self._text, self._at)
            yield from self._value()  # raises where it is no JSON at all
            raise no_object()
        members: dict[str, Member] = {}
        values = yield from self._object(members)
        if not self._skip():
            yield from self._space()
        if self._at != len(self._text):
            raise self._fault("nothing may follow the object")
        return Document(self._body, "", values, members)

    def rest(self) -> Generator[None, None, None]:
        """Decode what is left. Raises UnicodeDecodeError."""
        self._at = len(self._text)
        while self._more():
            self._at = len(self._text)
            yield

    # The window.

    def _more(self) -> bool:
        """Leave behind what is read, and decode some more; False: there is none."""
        start = self._next
        stop = min(start + self._stretch, len(self._body))
        if start == stop:
            return False
        held = len(self._decoder.getstate()[0])  # of a character that the last cut went through
        try:
            piece = self._decoder.decode(self._body[start:stop], final=stop == len(self._body))
        except UnicodeDecodeError as fault:
            at = fault.start + start - held
            raise UnicodeDecodeError(
                "utf-8", b"", at, at + 1, fault.reason
            ) from None  # without the body in it
        self._known = (0, self._byte())
        self._passed += self._at
        self._text, self._at, self._next = self._text[self._at :] + piece, 0, stop
        return True

    def _ahead(self) -> None:
        """See that a stretch lies ahead, or all that is left."""
        while len(self._text) - self._at < self._stretch and self._more():
            pass

    def _byte(self) -> int:
        """Which byte of the body comes next."""
        at, byte = self._known
        byte += len(self._text[at : self._at].encode())
        self._known = (self._at, byte)
        return byte

    def _fault(self, message: str, at: int | None = None) -> JSONDecodeError:
        """What is wrong at a character of the window, or at the next one."""
        return JSONDecodeError(message, "", self._passed + (self._at if at is None else at))

    def _skip(self) -> bool:
        """Pass white space; False: as far as the window goes, and there is more."""
        self._at = skip_whitespace(self._text, self._at).end()  # type: ignore[union-attr]  # it matches emptiness
        return self._at < len(self._text) or self._next == len(self._body)

    def _space(self) -> Generator[None, None, None]:
        """Pass the white space that `_skip` left."""
        while not self._skip():
            self._more()
            yield

    # Values.

    def _value(self) -> Generator[None, None, Any]:
        """The value that begins here."""
        self._ahead()
        start, first = self._at, self._text[self._at]
        if first not in '{["':
            return self._scalar()
        window = self._text[start : start + self._stretch]
        try:
            value, length = scan_value(window, 0)
        except (JSONDecodeError, StopIteration, IndexError):  # it ends further on, or never: walk it
            if first == "{":
                return (yield from self._object(None))
            return (yield from (self._array() if first == "[" else self._string()))
        self._at += length
        self._left -= length
        if is_tracked(value):
            _untrack_all(value)
        return value

    def _scalar(self) -> Any:
        """The number, true, false or null that begins here."""
        while True:
            try:
                value, end = scan_value(self._text, self._at)
            except StopIteration:  # which would end a generator otherwise
                value, end = None, self._at
            if end - self._at > _LONGEST_NUMBER:
                raise ValueError(f"a number of more than {_LONGEST_NUMBER} characters")
            if end + _LONGEST_WORD > len(self._text) and self._more():
                continue  # it may go on
            if end == self._at:
                raise IndexError
            self._at = end
            return value

    def _object(self, members: dict[str, Member] | None) -> Generator[None, None, dict[str, Any]]:
        """The object that begins here; the places of its members, where somebody asks for them."""
        values: dict[str, Any] = {}
        self._at += 1
        if not self._skip():
            yield from self._space()
        if self._text[self._at] == "}":
            self._at += 1
            return values
        while True:
            self._ahead()
            start = 0 if members is None else self._byte()
            key = yield from self._key()
            if key in values:
                raise duplicate(key)
            value_start = 0 if members is None else self._byte()
            values[key] = yield from self._value()
            if members is not None:
                members[key] = Member(start, value_start, self._byte())
            if self._turn():
                yield
            if not self._skip():
                yield from self._space()
            if not self._another("}"):
                return values
            if not self._skip():
                yield from self._space()

    def _key(self) -> Generator[None, None, str]:
        """The key that begins here, and the colon behind it."""
        if self._text[self._at] != '"':
            raise self._fault("a key in double quotes was expected")
        key: str
        try:
            key, self._at = scanstring(self._text, self._at + 1, True)
        except JSONDecodeError:  # it ends further on, or never
            key = yield from self._string()
        if not self._skip():
            yield from self._space()
        if self._text[self._at] != ":":
            raise self._fault("':' was expected")
        self._at += 1
        if not self._skip():
            yield from self._space()
        return key

    def _array(self) -> Generator[None, None, list[Any]]:
        items: list[Any] = []
        _untracked(items)
        self._at += 1
        if not self._skip():
            yield from self._space()
        if self._text[self._at] == "]":
            self._at += 1
            return items
        while True:
            items.append((yield from self._value()))
            if self._turn():
                yield
            if not self._skip():
                yield from self._space()
            if not self._another("]"):
                return items
            if not self._skip():
                yield from self._space()

    def _turn(self) -> bool:
        """Count an item; whether it is somebody else's turn."""
        self._left -= _ITEM
        if self._left > 0:
            return False
        self._left = self._stretch
        return True

    def _another(self, close: str) -> bool:
        """Whether a comma leads on, rather than the end."""
        found = self._text[self._at]
        if found not in (",", close):
            raise self._fault(f"',' or '{close}' was expected")
        self._at += 1
        return found == ","

    def _string(self) -> Generator[None, None, str]:
        """The string that begins here, a stretch at a time."""
        self._at += 1
        text: longtext.Growing | None = None
        while True:
            piece, ended = self._piece()
            if text is None:
                if ended:
                    return piece
                ahead = (
                    len(self._text) - self._at + len(self._body) - self._next
                )  # no character is less than a byte
                text = longtext.Growing(len(piece) + ahead)
            yield from text.add(piece)
            if ended:
                return text.done()
            yield

    def _piece(self) -> tuple[str, bool]:
        """A stretch of the string that one stands in, and whether it ends there."""
        self._ahead()
        start = self._at
        part = self._text[start : start + self._stretch]
        length = len(part)
        if start + length < len(self._text) or self._next < len(self._body):
            length = _uncut(part)
        try:
            piece, end = scanstring(f'{part[:length]}"', 0, True)
        except JSONDecodeError as fault:
            raise self._fault(fault.msg, start + fault.pos) from None
        if end <= length:  # the quote was the string's own
            self._at += end
            return piece, True
        self._at += length
        if not length:
            raise IndexError
        return piece, False


def _untrack_all(value: list[Any] | dict[str, Any]) -> None:
    """Have the cycle collector leave alone what holds other values; what holds texts and numbers alone, it does."""
    found: list[Any] = [value]
    for each in found:  # as above
        _untracked(each)
        found += filter(is_tracked, each if each.__class__ is list else each.values())


def _uncut(part: str) -> int:
    """How much of a part of a string ends with no escape cut through, nor two that stand for one character."""
    end, last = len(part), part.rfind("\\")
    if last >= 0 and last + 6 > end and _escapes(part, last) and (last + 2 > end or part[last + 1] == "u"):
        end = last
    pair = end - 6
    return pair if pair >= 0 and _opens_pair(part, pair) and _escapes(part, pair) else end


def _escapes(part: str, at: int) -> bool:
    """Whether the backslash that stands there is not escaped itself."""
    return (at + 1 - len(part[: at + 1].rstrip("\\"))) % 2 == 1
