"""What is known of one request while it travels: its facts, its accounts, and the records they end as."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.call import Call
from adapters.chat import TokenUsage
from adapters.dialects.ingress import Ingress
from gateway.access.keys import Principal
from gateway.dispatch.attempt import Attempt
from gateway.dispatch.escalation import Escalation
from gateway.ledger.records import AttemptRecord, Outcome, RequestRecord, attempt_id
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

    def attempt_records(self) -> list[AttemptRecord]:
        """One record for each attempt."""
        return [self._attempt_record(settled) for settled in self.settled]

    def _attempt_record(self, settled: Settled) -> AttemptRecord:
        attempt, charge = settled.attempt, settled.charge
        return AttemptRecord(
            id=attempt_id(self.id, attempt.number),
            request=self.id,
            n=attempt.number,
            at=attempt.at,
            tenant=self.principal.tenant,
            workflow=self.purpose.workflow,
            action=self.purpose.action,
            route=self.decision.route if self.decision else "",
            model=attempt.permit.model,
            upstream=attempt.permit.upstream,
            backend=attempt.permit.backend,
            replica=attempt.replica,
            zone=attempt.permit.zone.name,
            status=attempt.status or 0,
            outcome=_ATTEMPT_OUTCOMES[attempt.outcome],
            error=attempt.fault,
            sent=attempt.sent,
            upstream_id=attempt.upstream_id,
            finish=attempt.finish,
            usage=attempt.usage,
            usd=charge.usd,
            components={str(name): usd for name, usd in charge.components.items()},
            price_source=charge.source,
            priced_at=charge.priced_at,
            gpu_ns=settled.gpu_ns,
            ttft_ns=None if attempt.first_token is None else attempt.first_token - attempt.started,
            duration_ns=attempt.ended - attempt.started,
        )

    def request_record(self, status: int, outcome: Outcome, error: str) -> RequestRecord:
        """The request's own record, with the sums over its attempts."""
        last = self.last
        signals, decision, charge = self.signals, self.decision, self.charge()
        label = signals.label if signals else None
        gpu = [each.gpu_ns for each in self.settled if each.gpu_ns is not None]
        record = RequestRecord(
            id=self.id,
            at=self.at,
            tenant=self.principal.tenant,
            key=self.principal.key,
            workflow=self.purpose.workflow,
            action=self.purpose.action,
            conversation=self.purpose.conversation,
            dialect=self.ingress.dialect,
            stream=self.call.stream if self.call else False,
            asked=signals.model if signals and (decision or _NAME.fullmatch(signals.model)) else "",
            route=decision.route if decision else "",
            model=last.permit.model if last else "",
            backend=last.permit.backend if last else "",
            replica=last.replica if last else "",
            zone=last.permit.zone.name if last else "",
            level=str(label.level) if label else "",
            types=label.types if label else {},
            rules=label.rules if label else (),
            unscanned=label.unscanned if label else (),
            detectors_failed=label.failed if label else (),
            complexity=signals.complexity if signals else None,
            kind=signals.kind if signals else "",
            policy=self.policy,
            trace=self.trace,
            reasons=self.reasons(),
            dropped=self.dropped(),
            passed_over=tuple(route for route, _ in decision.passed_over) if decision else (),
            status=status,
            outcome=outcome,
            error=error,
            attempts=len(self.settled),
            usage=last.usage
            if last and len(self.settled) == 1
            else summed([each.attempt.usage for each in self.settled]),
            usd=charge.usd,
            price_source=charge.source,
            priced_at=charge.priced_at,
            gpu_ns=sum(gpu) if gpu else None,
            ttft_ns=None if last is None or last.first_token is None else last.first_token - self.arrived,
            duration_ns=time.monotonic_ns() - self.arrived,
            overhead_ns=self.overhead_ns,
        )
        if self.redaction is not None:
            record.redacted = self.redacted
        return record


# What an application calls a model that is none is kept where it may be a name: it could be anything else.
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9._:/@-]{0,99}")
_ATTEMPT_OUTCOMES: Final[dict[str, Outcome]] = {
    "ok": "ok",
    "client_error": "rejected",
    "refused": "failed",
    "set_aside": "ok",  # whole, but not the client's; its error says why
    "failed": "failed",
    "cut": "cut",
    "cancelled": "cancelled",
}


def summed(usages: Sequence[TokenUsage]) -> TokenUsage:
    """The tokens of all attempts; as sure as the least sure of them."""
    if len(usages) == 1:
        return usages[0]
    if not usages:
        return TokenUsage()
    sources = {usage.source for usage in usages if usage.prompt or usage.generated or len(usages) == 1}
    return TokenUsage(
        input=sum(usage.input for usage in usages),
        cache_read=sum(usage.cache_read for usage in usages),
        cache_write=sum(usage.cache_write for usage in usages),
        output=sum(usage.output for usage in usages),
        reasoning=sum(usage.reasoning for usage in usages),
        audio_in=sum(usage.audio_in for usage in usages),
        audio_out=sum(usage.audio_out for usage in usages),
        source="unknown" if "unknown" in sources else "estimated" if "estimated" in sources else "reported",
    )
