"""Who writes at once shares a step: a token is the dearer, the fewer others are written beside it.

A step costs about the same whether it writes one token or thirty. By a window's mean price, a burst of short answers
pays for the steps in which a long one was alone before and after it. So the answers being written are counted in slots
of a window, and a token's price is weighted by the share of a step that tokens had where it was written.
"""

from collections.abc import Iterable, Sequence
from typing import Final

SLOTS: Final = 20  # of a window
_BRIEF: Final = 1e-3  # slots: an answer that was written in one moment


class Crowd:
    """Answers being written between `begin` and `end` (ns), slot by slot. Each takes as long to count as any other."""

    __slots__ = ("_begin", "_rise", "_slots_per_ns")

    def __init__(self, begin: int, end: int) -> None:
        self._begin = begin
        self._slots_per_ns = SLOTS / (end - begin)
        self._rise = [0.0] * (SLOTS + 2)  # how many more are written in a slot than in the one before it

    def add(self, first: int, last: int) -> None:
        """One was written from `first` to `last`, both within the window."""
        rise = self._rise
        at = (first - self._begin) * self._slots_per_ns
        slot = int(at)
        rise[slot] += 1.0 - (at - slot)
        rise[slot + 1] += at - slot
        at = (last - self._begin) * self._slots_per_ns
        slot = int(at)
        rise[slot] -= 1.0 - (at - slot)
        rise[slot + 1] -= at - slot

    @property
    def writers(self) -> tuple[float, ...]:
        """How many were written at once in each slot, on average; empty: never any."""
        found, writers = [], 0.0
        for rise in self._rise[:SLOTS]:
            writers += rise
            found.append(max(0.0, writers))
        return tuple(found) if max(found) > 0 else ()


def together(crowds: Iterable[Sequence[float]]) -> tuple[float, ...]:
    """The writers of several gateways."""
    return tuple(map(sum, zip(*filter(None, crowds), strict=True)))


def shares(writers: Sequence[float], others: float) -> tuple[float, ...]:
    """What share of a step a token had in each slot, as a multiple of the window's mean, summed up to the end of each
    slot from 0 on. `others` are answers nobody tells of, taken to be written all the time. Empty: none is told of."""
    crowd = [own + others for own in writers]
    if sum(writers, 0.0) <= 0:
        return ()
    mean = sum((min(1.0, each) for each in crowd), 0.0) / sum(crowd, 0.0)
    sums = [0.0]
    for each in crowd:
        sums.append(sums[-1] + 1.0 / (mean * max(1.0, each)))
    return tuple(sums)


def share(sums: Sequence[float], begin: float, end: float) -> float:
    """The mean of `shares` between two moments, as parts of the window."""
    first, last = begin * SLOTS, end * SLOTS
    slot = min(int(first), SLOTS - 1)
    each = sums[slot + 1] - sums[slot]
    if last - first < _BRIEF:
        return each
    final = min(int(last), SLOTS - 1)
    until = sums[final] + (last - final) * (sums[final + 1] - sums[final])
    return (until - sums[slot] - (first - slot) * each) / (last - first)
