"""A meter's readings over time: how much was used between any two moments, or that nobody knows."""

from bisect import bisect_left
from collections import deque
from collections.abc import Mapping
from typing import Final

_KEEP: Final = 4096  # readings


class Meter:
    """Readings in, energy out. Times are nanoseconds of one clock, energy is integer microjoules."""

    def __init__(self, gap_ns: int) -> None:
        """Two different readings further apart than `gap_ns` leave the time between them unknown."""
        self._gap = gap_ns
        self._last: Mapping[str, int] = {}
        self._points: deque[tuple[int, int, int]] = deque(maxlen=_KEEP)  # when, energy so far, unbroken since
        self._run = 0

    def add(self, at_ns: int, reading: Mapping[str, int]) -> None:
        """Take counters by GPU. A page that says the same again is an old one: exporters collect seldom."""
        if not reading or reading == self._last:
            return
        used = 0
        broken = self._last.keys() != reading.keys()
        for name, value in reading.items():
            before = self._last.get(name, value)
            broken = broken or value < before  # a counter that fell was reset
            used += max(0, value - before)
        if not self._points or broken or at_ns - self._points[-1][0] > self._gap:
            self._run += 1
            used = 0
        total = self._points[-1][1] + used if self._points else 0
        self._points.append((at_ns, total, self._run))
        self._last = dict(reading)

    @property
    def until(self) -> int:
        """Up to when it is known what can be known."""
        return self._points[-1][0] if self._points else 0

    def between(self, begin: int, end: int) -> int | None:
        """Microjoules in [begin, end], evenly spread between readings; None where they do not cover it. The figures
        of adjoining spans add up to that of both."""
        first, last = self._at(begin), self._at(end)
        if first is None or last is None or first[1] != last[1]:
            return None
        return last[0] - first[0]

    def _at(self, moment: int) -> tuple[int, int] | None:
        after = bisect_left(self._points, moment, key=lambda point: point[0])
        if after == len(self._points):
            return None
        at, total, run = self._points[after]
        if at == moment:
            return total, run
        if after == 0 or self._points[after - 1][2] != run:
            return None
        earlier, before, _ = self._points[after - 1]
        return before + (total - before) * (moment - earlier) // (at - earlier), run
