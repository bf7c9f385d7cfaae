"""A large body to JSON, a little at a time: an encoder holds Python's lock until it has written all it was given.

It is written in a thread, which lets others have their turn between any two of its steps (interpreted ones, for between
compiled ones nobody has).
"""

from typing import Any, Final

from adapters.dialects.encoding import to_json
from adapters.document import Body, Pieces

_SHORT: Final = 64 * 1024  # characters that are written in a fraction of a millisecond
_ITEM: Final = 64  # characters that could be written in the time an item takes
_PART: Final = 256 * 1024  # bytes of a part: large enough to have memory of its own


def to_body(body: dict[str, Any], *, large: bool) -> Body:
    """As `to_json`; a large one in pieces. Its messages are let go as they are written: they are nobody else's."""
    if not large:
        return to_json(body)
    out = _Parts()
    mark = b"{"
    for key, value in body.items():
        out.add(mark, to_json(key), b":")
        if key == "messages":
            _consume(value, out)
        else:
            _write(value, out)
        mark = b","
    out.add(b"}")
    return Pieces(out.done())


def large_json(value: Any) -> list[bytes]:
    """A large value's JSON, in parts."""
    out = _Parts()
    _write(value, out)
    return out.done()


def let_go(items: list[Any]) -> None:
    """Free what is in a list, one after another."""
    while items:
        items.pop()


class _Parts:
    """Bytes, joined to parts of some length."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._held: list[bytes] = []
        self._size = 0

    def add(self, *some: bytes) -> None:
        self._held += some
        self._size += sum(map(len, some))
        if self._size >= _PART:
            self._parts.append(b"".join(self._held))
            self._held, self._size = [], 0

    def done(self) -> list[bytes]:
        return [*self._parts, b"".join(self._held)]


def _consume(items: list[Any], out: _Parts) -> None:
    mark = b"["
    items.reverse()
    while items:
        out.add(mark)
        _write(items.pop(), out)
        mark = b","
    out.add(b"]" if mark == b"," else b"[]")


def _write(value: Any, out: _Parts) -> None:
    kind = value.__class__
    if _left(value, _SHORT) >= 0:
        out.add(to_json(value))
    elif kind is str:
        out.add(b'"')
        for at in range(0, len(value), _SHORT):
            out.add(to_json(value[at : at + _SHORT])[1:-1])
        out.add(b'"')
    elif kind is dict:
        mark = b"{"
        for key, each in value.items():
            out.add(mark, to_json(key), b":")
            _write(each, out)
            mark = b","
        out.add(b"}")
    else:  # a list: whatever else there is is short
        mark = b"["
        for each in value:
            out.add(mark)
            _write(each, out)
            mark = b","
        out.add(b"]")


def _left(value: Any, room: int) -> int:
    """What is left of so much room with a value in it; less than nothing where it is longer."""
    kind = value.__class__
    if kind is str:
        return room - len(value)
    room -= _ITEM
    if kind is dict:
        for key, each in value.items():
            room = _left(each, room - len(key))
            if room < 0:
                break
    elif kind is list:
        for each in value:
            room = _left(each, room)
            if room < 0:
                break
    return room
