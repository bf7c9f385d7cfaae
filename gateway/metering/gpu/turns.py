"""Closing a window of thousands of requests takes tens of milliseconds: others take their turns in between."""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, TypeVar

_T = TypeVar("_T")

SLICE_NS: Final = 500_000  # worked at a stretch
_FEW: Final = 32  # items between two looks at the clock


class Turns:
    """Works through long lists, and awaits `rest` whenever a slice's time is over; without one it never waits."""

    __slots__ = ("_few", "_now_ns", "_rest", "_since", "_slice_ns")

    def __init__(
        self,
        rest: Callable[[], Awaitable[None]] | None = None,
        *,
        slice_ns: int = SLICE_NS,
        few: int = _FEW,
        now_ns: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._rest = rest
        self._slice_ns = slice_ns
        self._few = few
        self._now_ns = now_ns
        self._since = now_ns()

    def begin(self) -> None:
        """A slice begins now: others ran until here."""
        self._since = self._now_ns()

    def over(self, items: Sequence[_T]) -> Iterator[Sequence[_T]]:
        """The items, a few at a time; what is added meanwhile is left out. Whoever works through them pauses after each
        few."""
        for at in range(0, len(items), self._few):
            yield items[at : at + self._few]

    async def drop(self, items: list[_T]) -> None:
        """Empty a list nobody needs any more, a few at a time: to free thousands of objects takes milliseconds."""
        while items:
            del items[-self._few :]
            await self.pause()

    async def pause(self) -> None:
        """Let others run, if this slice is over."""
        if self._rest is not None and self._now_ns() - self._since >= self._slice_ns:
            await self._rest()
            self._since = self._now_ns()
