"""What was parsed of a body, on its way to another process: taken apart in slices here, put together there.

JSON text would have to be parsed again. What crosses is flat, however deep the body is nested: values in their order,
and marks between them for where an array, an object or a long string begins and ends.
"""

import marshal
from collections.abc import Generator, Iterator
from itertools import chain
from typing import Any, Final

STRETCH: Final = 64 * 1024  # characters between two turns
_STRETCHES: Final = (
    4  # of a frame: large enough to have memory of its own, which is given back when it is sent
)
_ITEM: Final = 128  # characters that could be taken in the time an item takes besides
_END: Final = (0,)  # the marks are tuples, which JSON does not know
_ARRAY: Final = (1,)
_OBJECT: Final = (2,)
_STRING: Final = (3,)


def taken_apart(value: Any, stretch: int = STRETCH) -> Generator[None, None, list[bytes]]:
    """A JSON value in frames; yields where something else may be done."""
    frames: list[bytes] = []
    tokens: list[Any] = []
    left, room = stretch, _STRETCHES * stretch
    stack: list[Iterator[Any]] = [iter((value,))]
    while stack:
        item: Any = next(stack[-1], _END)
        cost = _ITEM
        inside = _inside(item, stretch)
        if inside is not None:
            tokens.append(inside[0])
            stack.append(inside[1])
        else:
            tokens.append(item)
            if item.__class__ is str:
                cost += len(item)
            elif item.__class__ is tuple:  # compiled, a tuple is not the same object for long
                stack.pop()
        left -= cost
        room -= cost
        if room <= 0:
            frames += _frame(tokens)
            tokens, room = [], _STRETCHES * stretch
        if left <= 0:
            left = stretch
            yield
    frames += _frame(tokens)
    return frames


def _inside(item: Any, stretch: int) -> tuple[tuple[int], Iterator[Any]] | None:
    """What is taken apart further: its mark, and what is in it."""
    kind = item.__class__
    if kind is list:
        return _ARRAY, iter(item)
    if kind is dict:
        return _OBJECT, chain.from_iterable(item.items())
    if kind is str and len(item) > stretch:
        return _STRING, _cut(item, stretch)
    return None


def _cut(text: str, stretch: int) -> Iterator[str]:
    for at in range(0, len(text), stretch):
        yield text[at : at + stretch]


def _frame(tokens: list[Any]) -> tuple[bytes, bytes]:
    data = marshal.dumps(tokens)
    return len(data).to_bytes(4), data


def put_together(frames: memoryview) -> Any:
    """The value that these frames, one behind another, were taken from."""
    found: list[Any] = []
    stack: list[tuple[tuple[int], list[Any]]] = []
    for token in _tokens(frames):
        if token.__class__ is not tuple:
            found.append(token)
        elif token != _END:
            stack.append((token, found))
            found = []
        elif stack:  # else all of it is there
            mark, before = stack.pop()
            before.append(_made(mark, found))
            found = before
    return found[0]


def _tokens(frames: memoryview) -> Iterator[Any]:
    at = 0
    while at < len(frames):
        start = at + 4
        at = start + int.from_bytes(frames[at:start])
        yield from marshal.loads(frames[start:at])  # noqa: S302  # the gateway's own: `taken_apart` wrote it


def _made(mark: tuple[int], items: list[Any]) -> Any:
    if mark == _STRING:
        return "".join(items)
    return items if mark == _ARRAY else dict(zip(items[::2], items[1::2], strict=True))
