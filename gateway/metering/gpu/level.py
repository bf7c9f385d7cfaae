"""The usual price level of an engine: what a second of work costs in busy seconds, and how far a window may stray."""

from collections import deque
from typing import Final

from gateway.metering.gpu.facts import SECOND


class PriceLevel:
    """Knows the last `windows` windows. No window's level goes above `cap` times the usual one, once
    `settled_after` busy seconds tell what that is."""

    def __init__(self, windows: int, cap: float, settled_after: float) -> None:
        self._cap: Final = cap
        self._settled_after: Final = settled_after
        self._recent: deque[tuple[float, float]] = deque(maxlen=windows)
        self._busy = 0.0
        self.usual = 1.0  # busy seconds to a second of work

    def remember(self, busy: float, work: float) -> None:
        """One window, in seconds."""
        self._recent.append((busy, work))
        self._busy = sum(seconds for seconds, _ in self._recent)
        done = sum(seconds for _, seconds in self._recent)
        self.usual = self._busy / done if done > 0 else 1.0

    def paid(self, due_ns: int, work: float, *, over: bool) -> int:
        """How much of the busy time that is due gets paid for in a window of so much work; all of it where a busy
        time is `over`, so that nothing later can explain what is left."""
        if over:
            return due_ns
        if work <= 0:
            return 0
        if self._busy < self._settled_after:
            return due_ns
        return min(due_ns, int(self._cap * self.usual * work * SECOND))
