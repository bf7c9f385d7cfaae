"""An engine short of memory drops running requests and computes them anew later: whose work that was.

The engine counts how often it dropped one, when it drops it or when it goes on with it. It tells of none whose it was,
and what is computed again is in none of its counters. But a stream that was dropped is silent until that is done.
So where preemptions were counted, the streams silent longest about then are taken for them.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.facts import SECOND
from gateway.metering.gpu.ticket import Silence, Ticket

_KEPT: Final = 120  # windows in which preemptions were counted and nobody was found yet
_ONE: Final = 0.6  # so much of a preemption, of those about a moment, is one


class Preempted:
    """One replica's. Windows are told of in their order."""

    def __init__(self) -> None:
        self._counted: dict[int, float] = {}  # preemptions that are nobody's yet, by window

    def again(
        self,
        window: int,
        counted: float,
        silences: Iterable[Silence],
        own: Sequence[tuple[Silence, Ticket]],
        second: float,
    ) -> Counted:
        """What was computed once more of those dropped: all they had, as far as their silence had time for it. Own ones
        are given theirs. `second`: what a prompt token takes (seconds)."""
        again = Counted()
        for silence in self.whose(window, counted, silences):
            tokens = min(silence.tokens, silence.ns / SECOND / second)
            again = again.plus(Counted(computed=tokens, looked_back=tokens * tokens / 2))
            for ticket in (each for its, each in own if its is silence):
                ticket.anew = {**(ticket.anew or {}), window: tokens}
        return again

    def whose(self, window: int, counted: float, silences: Iterable[Silence]) -> Sequence[Silence]:
        """The silences, of those that ended in the window, in which the engine had dropped the stream."""
        if counted > 0:
            self._counted[window] = counted
        if not self._counted:
            return ()
        found = [
            silence
            for silence in sorted(silences, key=lambda each: each.ns, reverse=True)
            if self._take(range(window - 1, window + 1))
            or self._take(range(silence.began - 1, silence.began + 2))
        ]
        for old in [each for each in self._counted if each < window - _KEPT]:
            del self._counted[old]
        return found

    def _take(self, windows: Sequence[int]) -> bool:
        """One preemption of those counted there, if there is one."""
        about = {window: self._counted[window] for window in windows if window in self._counted}
        if sum(about.values()) < _ONE:
            return False
        left = 1.0
        for window, counted in about.items():
            taken = min(left, counted)
            left -= taken
            self._counted[window] = counted - taken
            if counted <= taken:
                del self._counted[window]
        return True
