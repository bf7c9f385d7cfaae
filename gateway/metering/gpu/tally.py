"""What own requests did in one window: added up one by one, so that the window can be measured in slices."""

from collections.abc import Hashable
from heapq import nlargest
from typing import Final

from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.crowd import Crowd
from gateway.metering.gpu.doubt import Doubt
from gateway.metering.gpu.facts import Did
from gateway.metering.gpu.hindsight import MOST, Prompt
from gateway.metering.gpu.rows import Knowledge
from gateway.metering.gpu.spans import Span, length, union
from gateway.metering.gpu.ticket import Silence, Ticket

_SILENCES: Final = 16  # that other gateways are told of: engines drop a few requests at a time
_PROMPTS: Final = 128  # that they are told of, the longest
_UNSURE: Final = 0.1  # of a prompt's estimated length


class Tally:
    """Own requests in the window numbered `window`, from `begin` to `end` (monotonic ns) of all its time, `bounds`."""

    def __init__(self, window: int, bounds: Span, begin: int, end: int) -> None:
        self.window: Final = window
        self.begin: Final = begin
        self.end: Final = end
        self.crowd: Final = Crowd(*bounds)  # who was written at once
        self.present: dict[Ticket, int] = {}  # who was there, and for how long (ns)
        self.did: list[tuple[Ticket, Did]] = []  # what each one read and wrote
        self.cohorts: dict[Hashable, float] = {}  # prompt tokens that got their first token here
        self.abandoned = Counted()  # prompts computed, in part, for clients that left: no engine counts them
        self.prompts: list[Prompt] = []  # that got their first token here, until they are too many
        self.doubtful: list[Ticket] = []  # whose prompts are estimates
        self.silences: list[tuple[Silence, Ticket]] = []  # of streams that were heard again here
        self.over = True  # nobody is there beyond its end
        self._computed = self._looked_back = self._generated = self._context = self._prompts = 0.0
        self._spans: list[Span] = []  # merged with the one before; `spans` merges the rest

    def add(self, ticket: Ticket) -> None:
        """Take a request into account as it stands now."""
        begin, end, ended = self.begin, self.end, ticket.ended
        if ticket.begun >= end:
            return
        if ended is None or ended > end:
            self.over = False
            ended = end
        if ended < begin or ticket.did_nothing:
            return
        self.present[ticket] = ended - (ticket.begun if ticket.begun > begin else begin)
        reached = ticket.reached if ticket.reached > begin else begin
        if ended > reached:
            self._occupy(reached, ended)
        did = ticket.did(self.window)
        if did is None:
            return
        self.did.append((ticket, did))
        if ticket.silences and self.window in ticket.silences:
            self.silences.append((ticket.silences[self.window], ticket))
        computed, looked_back, written, context = did
        if ticket.abandoned:
            self.abandoned = self.abandoned.plus(Counted(computed=computed, looked_back=looked_back))
            return
        first, last = ticket.wrote(begin, end)
        self.crowd.add(first, last)
        self._computed += computed
        self._looked_back += looked_back
        self._generated += written
        self._context += context
        if ticket.windows[0] == self.window:
            self._add_prompt(ticket, computed, looked_back)

    @property
    def spans(self) -> list[Span]:
        """When any own request was at the engine."""
        return union(self._spans)

    def counted(self) -> Counted:
        """The sums. Steps are a guess: as many as tokens by how many requests were there at once."""
        there = length(self.spans)
        at_once = max(1.0, sum(self.present.values()) / there) if there else 1.0
        steps = self._generated / at_once if there else 0.0
        return Counted(
            steps, self._computed, self._looked_back, self._generated, self._context, self._prompts
        )

    @property
    def doubt(self) -> Doubt:
        """How much of it is of prompts that are estimates."""
        return Doubt(
            sum(ticket.computed for ticket in self.doubtful),
            sum((ticket.variance for ticket in self.doubtful), 0.0),
        )

    @property
    def unsure(self) -> float:
        """How many more tokens those prompts may have than they were estimated to have."""
        return _UNSURE * sum(ticket.computed + ticket.cached for ticket in self.doubtful)

    def known(self, offset_ns: int) -> Knowledge:
        """All that other gateways need; `offset_ns` turns monotonic times into UTC."""
        spans = tuple((begin + offset_ns, end + offset_ns) for begin, end in self.spans)
        present = sum(self.present.values())
        silences = nlargest(_SILENCES, (silence for silence, _ in self.silences), key=lambda each: each.ns)
        prompts = nlargest(_PROMPTS, self.prompts, key=lambda each: each.computed)
        return Knowledge(
            self.counted(),
            self.abandoned,
            self.doubt,
            spans,
            self.over,
            present,
            tuple(silences),
            tuple(prompt.shifted(offset_ns) for prompt in prompts),
            self.crowd.writers,
        )

    def _add_prompt(self, ticket: Ticket, computed: float, looked_back: float) -> None:
        prompt = ticket.computed + ticket.cached
        self._prompts += prompt
        if len(self.prompts) <= MOST:
            self.prompts.append(Prompt(ticket.reached, ticket.first or ticket.reached, computed, looked_back))
        if ticket.ended is None:
            self.doubtful.append(ticket)
        self.cohorts[ticket.cohort] = self.cohorts.get(ticket.cohort, 0.0) + prompt

    def _occupy(self, begin: int, end: int) -> None:
        spans = self._spans
        if spans and begin <= spans[-1][1] and end >= spans[-1][0]:
            last = spans[-1]
            spans[-1] = (min(begin, last[0]), max(end, last[1]))
        else:
            spans.append((begin, end))
