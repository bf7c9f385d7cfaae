"""Thresholds that keep up with traffic: a rolling quantile of recent scores, and how far they have drifted.

The window is state that its owner keeps (one per route) and hands in; nothing here remembers.
"""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

SIZE: Final = 1_000  # scores: enough to hold a 30% target to about ±3 points
ENOUGH: Final = 50  # scores from which a window speaks for itself


@dataclass(slots=True)
class Window:
    """The last `size` scores of one route, in order of arrival and sorted."""

    size: int = SIZE
    recent: deque[float] = field(default_factory=deque)
    ordered: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.recent)


def window_of(scores: Sequence[float], size: int = SIZE) -> Window:
    """A window that has met these scores, the oldest first."""
    recent = deque(scores, maxlen=size)
    return Window(size, deque(recent), sorted(recent))


def observe(window: Window, score: float) -> None:
    """Takes one score in, and the oldest out once the window is full."""
    if len(window.recent) >= window.size:
        del window.ordered[bisect_left(window.ordered, window.recent.popleft())]
    window.recent.append(score)
    insort(window.ordered, score)


def threshold(window: Window, share: float, fallback: float) -> float:
    """The score from which a request is among the hardest `share` (0..1) of the window.

    `fallback` (from calibration) while the window holds fewer than ENOUGH scores. A share of 0 gives a threshold
    above every score.
    """
    return fallback if len(window) < ENOUGH else quantile_for_share(window.ordered, share)


def quantile_for_share(ordered: Sequence[float], share: float) -> float:
    """The lowest threshold that at most `share` of the ascending scores reach; above 1 where none may."""
    strong = int(len(ordered) * share + 1e-9)
    if strong <= 0:
        return 1.0 + 1e-9
    at = ordered[len(ordered) - strong]
    first = bisect_left(ordered, at)
    if len(ordered) - first <= strong:
        return at
    after = bisect_right(ordered, at)  # ties straddle the cut: keep to the share, not over it
    return ordered[after] if after < len(ordered) else 1.0 + 1e-9


def drift(reference: Sequence[float], recent: Sequence[float]) -> float:
    """Kolmogorov-Smirnov distance (0..1) between two ascending samples: the calibration's and the window's.

    0 when either is empty: nothing is known yet.
    """
    if not reference or not recent:
        return 0.0
    return max(
        abs(bisect_right(reference, at) / len(reference) - bisect_right(recent, at) / len(recent))
        for sample in (reference, recent)
        for at in sample
    )
