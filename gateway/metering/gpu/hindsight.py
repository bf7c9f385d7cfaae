"""When prompts were computed: engines count a prompt when its last token is, seconds after its first at times.

Costs are learned from what was done in some time and how long that took. Prompts that are counted in the time after
would blur what they cost: busy time seems to be spent on steps and context then. Engines compute prompts one after the
other, as they came; so each was computed since it was sent or since the one before it was done. (A short one that was
sent later may be done beside it, in what room its chunks leave.) By that, what was counted late is put back to when it
was done, before anything is learned of those windows.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.facts import SECOND
from gateway.metering.gpu.learning import Learner
from gateway.metering.gpu.spans import Span

_HELD: Final = 20  # windows that wait for what is counted after them
MOST: Final = 512  # prompts in a window: of more, none took long enough to be put back far
_BESIDE: Final = 3.0  # a prompt's computing takes at most so much longer for what is computed beside it


@dataclass(slots=True)  # not frozen: hundreds a second, and that would take three times as long
class Prompt:
    """One whose first token came in a window: sent and computed by these times (ns)."""

    sent_ns: int
    done_ns: int
    computed: float
    looked_back: float

    def shifted(self, ns: int) -> "Prompt":
        """The same by a clock that shows so much more."""
        return Prompt(self.sent_ns + ns, self.done_ns + ns, self.computed, self.looked_back)


@dataclass(slots=True)
class _Window:
    number: int
    span: Span
    busy: float
    counted: Counted


class Hindsight:
    """One replica's way to what is learned of its engine."""

    def __init__(self, learner: Learner, replica: str) -> None:
        self._learner = learner
        self._replica = replica
        self._held: deque[_Window] = deque()
        # When prompts were sent and done, both ascending: of two, one sent later and done earlier tells nothing.
        self._sent: list[int] = []
        self._done: list[int] = []

    def add(
        self,
        number: int,
        span: Span,
        busy: float,
        counted: Counted,
        prompts: Collection[Prompt],
        usual: float,
    ) -> None:
        """A window over these times (ns), its busy seconds, what was counted and which prompts that was of. `usual`:
        busy seconds to a second of work."""
        self._held.append(_Window(number, span, busy, counted))
        if len(prompts) <= MOST:
            for prompt in sorted(prompts, key=lambda each: each.done_ns):
                self._put_back(prompt, usual)
                while self._sent and self._sent[-1] > prompt.sent_ns:
                    self._sent.pop()
                    self._done.pop()
                self._sent.append(prompt.sent_ns)
                self._done.append(prompt.done_ns)
        del self._sent[:-MOST], self._done[:-MOST]
        while len(self._held) > _HELD:
            oldest = self._held.popleft()
            self._learner.add(oldest.number, oldest.busy, oldest.counted, self._replica)

    def _put_back(self, prompt: Prompt, usual: float) -> None:
        last = self._held[-1]
        if prompt.sent_ns >= last.span[0]:
            return  # it was computed in the window in which it was counted
        costs = self._learner.coefficients
        work = costs.prompt * (prompt.computed + costs.attention * prompt.looked_back)
        least = int(usual * work * SECOND)
        earlier = bisect_right(self._sent, prompt.sent_ns)
        begin = max(
            prompt.sent_ns,
            min(self._done[earlier - 1] if earlier else 0, prompt.done_ns - least),
            prompt.done_ns - int(_BESIDE * least),
        )
        took = prompt.done_ns - begin
        if took <= 0 or begin >= last.span[0]:
            return
        for window in self._held:
            there = min(window.span[1], prompt.done_ns) - max(window.span[0], begin)
            if there > 0 and window is not last:
                part = Counted(computed=prompt.computed, looked_back=prompt.looked_back)
                window.counted = window.counted.plus(part, there / took)
                last.counted = last.counted.plus(part, -there / took)
