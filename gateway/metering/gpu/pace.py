"""How fast an engine writes each answer: by that, one that came in one piece is followed back to its first token.

An answer that is not streamed says when it was sent and when it came. Before an engine that is behind, most of that
time it waited. But engines count the tokens they write, and tell how many requests they work on; so it is known how
many tokens an answer gets from one moment to another, whichever it is.
"""

from bisect import bisect_right
from typing import Final

_KEPT: Final = 3600  # pages


class Pace:
    """One replica's. Times are monotonic ns, in their order."""

    def __init__(self) -> None:
        self._at: list[int] = []  # when pages were read,
        self._written: list[
            float
        ] = []  # and how many tokens an answer under way ever since the first would have
        self._running = 0.0  # requests, summed over the samples since the last page,
        self._busy = 0.0  # shares of the engines that ran,
        self._samples = 0  # and how many those were

    def saw(self, running: float, busy: float) -> None:
        """A sample: how many requests were worked on, by what share of the engines."""
        self._running += running
        self._busy += busy
        self._samples += 1

    def add(self, begin: int, end: int, steps: float, generated: float) -> None:
        """What was counted between two pages."""
        samples = max(1, self._samples)
        running, busy = self._running / samples, self._busy / samples
        self._running, self._busy, self._samples = 0.0, 0.0, 0
        if not self._at:
            self._at.append(begin)
            self._written.append(0.0)
        each = 0.0
        if steps > 0 and generated > 0:
            at_once = generated / steps  # answers in a step, or more where it writes several tokens of each
            writers = min(running, busy * at_once) or at_once
            each = generated / writers
        self._at.append(end)
        self._written.append(self._written[-1] + each)
        del self._at[:-_KEPT], self._written[:-_KEPT]

    def first(self, tokens: float, begun: int, came: int) -> int | None:
        """When the first of so many tokens was written, the last of which came at `came`: not before `begun`. None:
        not known."""
        if len(self._at) < 2 or self._at[-1] <= begun or self._at[0] > begun:
            return None
        written, earlier = self.by(came), self.by(begun)
        target = written - tokens
        if target <= earlier:
            return begun if written > earlier else None
        segment = min(bisect_right(self._written, target) - 1, len(self._at) - 2)
        part = (target - self._written[segment]) / (self._written[segment + 1] - self._written[segment])
        first = self._at[segment] + int(part * (self._at[segment + 1] - self._at[segment]))
        return min(came, max(begun, first))

    def by(self, moment: int) -> float:
        """The tokens an answer under way would have by then, if it were always written; beyond pages as next to them.
        Evenly many, where there were none."""
        if len(self._at) < 2:
            return float(moment)
        segment = bisect_right(self._at, moment, 1, len(self._at) - 1) - 1
        begin, end = self._at[segment], self._at[segment + 1]
        each = self._written[segment + 1] - self._written[segment]
        return self._written[segment] + each * (moment - begin) / (end - begin)
