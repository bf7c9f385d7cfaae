"""Long bytes looked through and copied a stretch at a time, so that other threads have their turn."""

from collections.abc import Iterator
from typing import Final

from adapters.others import others

STRETCH: Final = 256 * 1024  # bytes: a fraction of a millisecond, whatever is done to them


def find(data: bytes, mark: bytes, start: int = 0) -> int:
    """As `data.find(mark, start)`."""
    while True:
        end = start + STRETCH + len(mark) - 1
        found = data.find(mark, start, end)
        if found >= 0 or end >= len(data):
            return found
        start += STRETCH
        others()


def cut(data: bytes, start: int, end: int) -> bytes:
    """As `data[start:end]`."""
    if end - start <= STRETCH:
        return data[start:end]
    return joined(list(stretches(memoryview(data)[start:end])))


def let_go(parts: list[bytes]) -> None:
    """Free what is in the list, one after another."""
    while parts:
        parts.pop()
        others()


def joined(parts: list[bytes]) -> bytes:
    """All of them in one: `bytes.join` copies what is long without the interpreter's lock. The parts are let go."""
    whole = b"".join(parts)
    let_go(parts)
    return whole


def stretches(data: bytes | memoryview) -> Iterator[bytes]:
    """The same bytes in order, each stretch an object of its own."""
    for at in range(0, len(data), STRETCH):
        yield bytes(data[at : at + STRETCH])
        others()
