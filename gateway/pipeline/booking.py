"""Opens and settles a request's accounts: GPU tickets, charges, metrics, and its rows in the ledger.

Everything here runs between two bytes of an answer: no lock, no wait, no disk but the journal's one write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from adapters.call import MODELLESS, Headers
from gateway.dispatch.attempt import Attempt
from gateway.ledger.encoding import Entry, members
from gateway.ledger.ledger import Ledger
from gateway.ledger.records import AwaitedRecord, Outcome, attempt_id
from gateway.metering.actions.actions import Actions
from gateway.metering.budgets.budgets import Budgets
from gateway.metering.charges import NOTHING, Charge, unknown
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.ticket import Ticket
from gateway.metering.prometheus import Metrics
from gateway.metering.tariffs import Tariff
from gateway.pipeline import debug, reserving
from gateway.pipeline.awaiting import Awaiting
from gateway.pipeline.entries import attempt_entries, end_of, entries, request_entry
from gateway.pipeline.filing import upload
from gateway.pipeline.journey import Journey, Settled
from gateway.pipeline.remembering import words_of
from gateway.state.belongings import Belongings, Keeper
from gateway.state.conversations import Words
from routers.policy.permit import Permit

_ZERO: Final = Decimal(0)
_AWAITED: Final = unknown("its provider still works on the answer")


@dataclass(slots=True, eq=False)  # not frozen: one for every attempt; two are never the same
class GpuOwner:
    """Whose GPU time it is: what a booking of a closed window says of the attempt it pays for."""

    request: str
    attempt: int
    tenant: str
    workflow: str
    action: str
    route: str
    model: str
    zone: str


class Till:
    """Where every request is booked. One per process."""

    def __init__(
        self,
        metrics: Metrics,
        ledger: Ledger,
        accounts: GpuAccounts,
        budgets: Budgets,
        actions: Actions,
        belongings: Belongings,
        awaiting: Awaiting,
    ) -> None:
        self.metrics: Final = metrics
        self.budgets: Final = budgets
        self.ledger: Final = ledger
        self.accounts: Final = accounts
        self.actions: Final = actions
        self.belongings: Final = belongings
        self.awaiting: Final = awaiting


class Account:
    """One request's accounts, as dispatch asks for them (`dispatch.attempt.Books`)."""

    __slots__ = ("_journey", "_tariffs", "_till")

    def __init__(self, till: Till, journey: Journey, tariffs: Mapping[str, Tariff]) -> None:
        self._till = till
        self._journey = journey
        self._tariffs = tariffs

    def opened(self, attempt: Attempt) -> None:
        """A request is about to be sent: open its GPU account."""
        journey, permit = self._journey, attempt.permit
        book = self._till.accounts.at(permit.backend, attempt.replica)
        if book is None or journey.ingress.dialect in MODELLESS:
            return  # not on GPUs of ours, or it runs no model
        purpose, tenant = journey.purpose, journey.principal.tenant
        route = journey.decision.route if journey.decision else ""
        attempt.ticket = book.begin(
            GpuOwner(
                journey.id,
                attempt.number,
                tenant,
                purpose.workflow,
                purpose.action,
                route,
                permit.model,
                permit.zone.name,
            ),
            attempt.started,
            prompt_tokens=journey.signals.prompt_tokens if journey.signals else 0,
            cohort=(tenant, route),
            streamed=journey.call is not None and journey.call.stream,
        )

    def head(self, attempt: Attempt) -> Headers:
        """Weir's own headers for an answer that comes from this attempt."""
        journey = self._journey
        identity = journey.id.encode()
        headers: Headers = (
            (b"x-weir-request-id", identity),
            *_whither(
                journey.decision.route if journey.decision else "",
                attempt.permit.model,
                attempt.permit.zone.name,
                str(journey.signals.label.level) if journey.signals else "",
                journey.policy,
                max(attempt.number, len(journey.settled)),
            ),
        )
        escalation = journey.escalation
        if escalation is not None and escalation.fault:
            said = f"{escalation.fault}; model={escalation.model}; {escalation.outcome}"
            headers += ((b"x-weir-escalation", said.encode()),)
        if journey.redaction is not None and attempt.permit.redacted:
            told = ", ".join(f"{type_}={count}" for type_, count in journey.redaction.counts.items())
            headers = (*headers, (b"x-weir-redacted", told.encode()))
        if attempt.upstream_id:
            return headers  # the provider's own request id is passed on
        return ((b"x-request-id", identity), *headers)

    def known(self) -> Headers:
        """What can be said of a request that ended without an answer."""
        journey = self._journey
        headers = [
            (b"x-weir-attempts", b"%d" % len(journey.settled)),
            (b"x-weir-policy", journey.policy.encode()),
        ]
        if journey.decision is not None:
            headers.append((b"x-weir-route", journey.decision.route.encode()))
        if journey.signals is not None:
            headers.append((b"x-weir-sensitivity", str(journey.signals.label.level).encode()))
        return tuple(headers)

    def closing(self, attempt: Attempt, data: bytes) -> bytes:
        """The answer is complete: close the request, before the last bytes leave."""
        journey = self._journey
        if attempt.told is not None and journey.call is not None:  # before its reader can ask what it cost
            response = journey.call.document.values["response_id"]
            self._till.awaiting.told(journey.principal.tenant, response, attempt.told)
        if attempt.outcome == "ok":
            self.close(200, "ok", "")
        else:
            self.close(200, "cut", attempt.fault)
        return self._annotated(data)

    def _annotated(self, data: bytes) -> bytes:
        journey = self._journey
        if journey.debug and journey.call is not None:
            return debug.annotated(data, debug.report(journey), stream=journey.call.stream)
        return data

    async def note(self, attempt: Attempt) -> None:
        """Note whose the objects are that the attempt left at its provider."""
        journey, permit = self._journey, attempt.permit
        file = None
        if journey.ingress.dialect == "files" and journey.call is not None and journey.signals is not None:
            file = upload(journey.call, attempt.made[0], permit.model, journey.signals.label, journey.at)
        keeper = Keeper(
            journey.principal.tenant,
            permit.backend,
            attempt.replica,
            file,
            permit.model,
            _label(journey, permit),
        )
        await self._till.belongings.keep(keeper, attempt.made)
        attempt.made = ()  # not before: whoever was cancelled meanwhile has to be able to ask again

    async def forget(self, attempt: Attempt) -> None:
        """Forget what its provider has no more."""
        journey = self._journey
        values = journey.call.document.values if journey.call is not None else {}
        if values.get("action") == "delete" and attempt.outcome == "ok":
            await self._till.belongings.forget(journey.principal.tenant, journey.ingress.references(values))

    async def awaits(self, attempt: Attempt) -> None:
        """The provider goes on with this attempt's answer, whoever reads its stream: see that it will be booked."""
        journey = self._journey
        journey.settled.append(Settled(attempt, _AWAITED, None))
        self._keep_open(request_entry(journey, end_of(journey, 200, "ok", "")), relayed=True)
        journey.settled.pop()
        journey.relayed = True
        self.kept()
        await self.note(attempt)

    def _keep_open(self, request: Entry, *, relayed: bool) -> None:
        """Have the request booked when its provider is done."""
        journey = self._journey
        begun = [each.attempt for each in journey.settled if each.attempt.awaited]
        names = {attempt_id(journey.id, each.number): each for each in begun}
        most = None if journey.hold is None else journey.hold.most
        awaited = AwaitedRecord(
            id=journey.id,
            at=journey.at,
            tenant=journey.principal.tenant,
            responses={name: each.awaited for name, each in names.items()},
            request=members(request),
            attempts=tuple(map(members, attempt_entries(journey))),
            held={} if most is None else {"usd": most.usd, "gpu": most.gpu, "tokens": most.tokens},
        )
        tickets = {name: each.ticket for name, each in names.items() if isinstance(each.ticket, Ticket)}
        self._till.awaiting.begin(awaited, journey.hold, tickets, relayed=relayed)

    def given(self, attempt: Attempt, data: bytes) -> bytes:
        """An answer that was set aside is the client's after all: close the request with it."""
        self._journey.answered = attempt
        self.close(200, "ok", "")
        return self._annotated(data)

    def kept(self) -> None:
        """See that what was booked is written, with all else that is lined up by now."""
        self._till.ledger.write_out()

    def settle(self, attempt: Attempt) -> None:
        """The attempt is over: end its GPU account, charge and count what it used."""
        journey, permit, metrics = self._journey, attempt.permit, self._till.metrics
        metrics.attempts.at(permit.backend, attempt.replica, attempt.fault or attempt.outcome).value += 1
        if attempt.awaited:
            journey.awaited = True
            journey.settled.append(Settled(attempt, _AWAITED, None))
            return
        ticket = attempt.ticket
        gpu_ns = 0
        if isinstance(ticket, Ticket):
            gpu_ns = ticket.end(attempt.ended, attempt.usage, engine_metrics=attempt.engine_metrics)
        tariff = self._tariffs.get(permit.model)
        by_gpu = tariff is not None and tariff.by_gpu  # then its money is final once its windows have closed
        worked = attempt.sent and attempt.outcome not in {"refused", "client_error"}
        worked = worked and journey.ingress.dialect not in MODELLESS
        if not worked or tariff is None:
            charge = NOTHING if not worked else Charge(None, source="the model has left the configuration")
        else:
            charge = tariff.charge(attempt.usage, gpu_ns, attempt.at)
        journey.settled.append(Settled(attempt, charge, gpu_ns if by_gpu else None))
        route = metrics.route(
            journey.decision.route if journey.decision else "", permit.model, permit.zone.name
        )
        route.spent(attempt.usage, charge, later=by_gpu and charge.usd is not None)

    def close(self, status: int, outcome: Outcome, error: str) -> None:
        """The request is over: count it, and line its records up to be written (`kept`). Once; later calls change
        nothing."""
        journey, till = self._journey, self._till
        if journey.closed:
            return
        journey.closed = True
        end = end_of(journey, status, outcome, error)
        if journey.awaited:
            self._keep_open(request_entry(journey, end), relayed=False)
            return
        route, last = journey.decision.route if journey.decision else "", journey.last
        model, zone = (last.permit.model, last.permit.zone.name) if last else ("", "")
        till.metrics.route(route, model, zone).answered(
            outcome,
            duration_ns=end.duration_ns,
            ttft_ns=end.ttft_ns,
            overhead_ns=end.overhead_ns,
        )
        for type_, count in journey.redacted.items():
            till.metrics.redacted.at(type_).value += count
        if journey.hold is None:
            line = till.ledger.line_up(entries(journey, end))
        else:  # whoever keeps the count is told of nothing that is not written
            line = till.ledger.append(*entries(journey, end))
            reserving.settle(journey.hold, journey, line)
        if journey.relayed:
            till.awaiting.over(journey.id, line)
        if journey.ingress.dialect not in MODELLESS:
            usd, unpriced = _final(journey.settled)
            till.actions.request(end, usd, unpriced)


def _label(journey: Journey, permit: Permit) -> Words | None:
    """What was found in what was sent, in words."""
    if permit.redacted and journey.redaction is not None and journey.redaction.form is not None:
        return words_of(journey.redaction.form.label)
    return None if journey.signals is None else words_of(journey.signals.label)


@lru_cache(maxsize=1024)
def _whither(route: str, model: str, zone: str, level: str, policy: str, attempts: int) -> Headers:
    """Where an answer came from and why there, which many answers have in common."""
    return (
        (b"x-weir-route", route.encode()),
        (b"x-weir-model", model.encode()),
        (b"x-weir-zone", zone.encode()),
        (b"x-weir-sensitivity", level.encode()),
        (b"x-weir-policy", policy.encode()),
        (b"x-weir-attempts", b"%d" % attempts),
    )


def _final(settled: Sequence[Settled]) -> tuple[Decimal, int]:
    """(USD that is final now, attempts whose cost is unknown)."""
    usd, unpriced = _ZERO, 0
    for each in settled:
        if each.charge.usd is None:
            unpriced += 1
        elif each.gpu_ns is None:
            usd += each.charge.usd
    return usd, unpriced
