"""What is known of one request while it travels: its facts and its accounts."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.call import Call
from adapters.dialects.ingress import Ingress
from gateway.access.keys import Principal
from gateway.dispatch.attempt import Attempt
from gateway.dispatch.escalation import Escalation
from gateway.ledger.records import attempt_id
from gateway.metering.budgets.budgets import Hold
from gateway.metering.charges import NOTHING, Charge
from gateway.metering.otlp.identity import traceparent
from gateway.pipeline.belongings import Kept
from gateway.pipeline.course import Turn
from gateway.pipeline.judge import NO_PURPOSE, Purpose
from gateway.pipeline.redacting import Redaction
from routers.policy.policy import Decision
from routers.signals import Signals


@dataclass(slots=True)
class Settled:
    """One attempt with its bill: `gpu_ns` is provisional until its windows close."""

    attempt: Attempt
    charge: Charge
    gpu_ns: int | None


@dataclass(slots=True)
class Journey:
    """One request. `at` is wall-clock (UTC ns), `arrived` and `received` monotonic ns."""

    id: str
    principal: Principal
    policy: str
    ingress: Ingress
    at: int = field(default_factory=time.time_ns)
    arrived: int = field(default_factory=time.monotonic_ns)
    received: int = 0  # its body was whole
    size: int = 0  # bytes of that
    call: Call | None = None
    purpose: Purpose = NO_PURPOSE
    signals: Signals | None = None
    turn: Turn | None = None  # of a conversation that keeps its model
    decision: Decision | None = None
    redaction: Redaction | None = None  # where a boundary would let it go redacted
    debug: bool = False
    cannot: dict[str, str] = field(default_factory=dict)  # targets whose backends cannot carry it, and why
    escalation: Escalation | None = None  # what is done about answers at fault, where its route asks for it
    answered: Attempt | None = None  # whose answer the client has, where it is not the last's
    hold: Hold | None = None  # of its budgets, where something limits it
    settled: list[Settled] = field(default_factory=list)
    held: Kept | None = None  # where what it names is kept
    opening: str = field(default="", repr=False)  # what tells its conversation from others
    remembered: str = ""  # what to tell of a label that its conversation raised
    trace: str = ""  # the client's `traceparent`, where traces are exported
    awaited: bool = False  # its provider still works on an answer: it is booked when that is over
    relayed: bool = False  # a stream of such an answer is under way
    client_left: bool = False
    closed: bool = False

    @property
    def overhead_ns(self) -> int:
        """Weir's own share: from the whole body to the first request sent (or to the refusal)."""
        since = self.received or self.arrived
        if self.settled:
            return self.settled[0].attempt.started - since
        return time.monotonic_ns() - since

    @property
    def last(self) -> Attempt | None:
        """The attempt that the client's answer came from, or else the last one made."""
        return self.answered or (self.settled[-1].attempt if self.settled else None)

    def reasons(self) -> tuple[str, ...]:
        """Why it went where it went, and what became of an answer at fault."""
        reasons = self.decision.reasons if self.decision else ()
        told = self.escalation.told() if self.escalation is not None else ""
        return (*reasons, told) if told else reasons

    @property
    def redacted(self) -> Mapping[str, int]:
        """How many values of each type were replaced in what was sent; none where it was sent as it came."""
        if self.redaction is None or not any(each.attempt.permit.redacted for each in self.settled):
            return {}
        return self.redaction.counts

    def traceparent(self, attempt: int) -> bytes:
        """What the provider of the nth attempt is told of the trace."""
        return traceparent(self.id, self.trace, attempt_id(self.id, attempt))

    def charge(self) -> Charge:
        """What all its attempts cost together."""
        if not self.settled:
            return NOTHING
        total = self.settled[0].charge
        for each in self.settled[1:]:
            total = total + each.charge
        return total

    def dropped(self) -> dict[str, str]:
        """The models that it may not go to, that cannot do it, or whose backends cannot carry it; and why."""
        if self.decision is None or not self.decision.dropped:
            return self.cannot
        return {each.model: each.reason for each in self.decision.dropped} | self.cannot
