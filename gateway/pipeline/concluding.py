"""What a request comes to that its provider worked on in the background, once it is known how that ended."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, cast

from adapters.chat import TokenUsage
from adapters.dialects.responses.kept import Ended
from gateway.ledger.encoding import from_members
from gateway.ledger.records import AttemptRecord, AwaitedRecord, Outcome, RequestRecord
from gateway.metering.budgets.budgets import Hold, Spent
from gateway.metering.budgets.limits import gpu_micros, nano_dollars
from gateway.metering.charges import NOTHING, Charge, unknown
from gateway.metering.gpu.ticket import Ticket
from gateway.metering.tariffs import Tariff
from gateway.pipeline.entries import summed

_NS: Final = 1_000_000_000
_OUTCOMES: Final[Mapping[str, Outcome]] = {"failed": "failed", "cancelled": "cancelled"}


@dataclass(slots=True, eq=False)
class Open:
    """One such request. `relayed`: its stream is under way, and will itself say how it ends."""

    record: AwaitedRecord
    hold: Hold | None = None
    tickets: Mapping[str, Ticket] = field(default_factory=dict)  # by attempt, of engines of ours
    relayed: bool = False
    ends: dict[str, Ended | None] = field(default_factory=dict)  # by attempt; None: nobody can tell
    gpu_ns: dict[str, int] = field(default_factory=dict)  # by attempt, once its ticket has ended
    line: int | None = None  # of its own records in the journal, once they are lined up
    due: float = 0.0  # monotonic seconds
    missed: int = 0
    asking: bool = False  # a look is under way
    stuck: bool = False  # it could not be booked the last time, by a fault of ours
    text: str = ""  # its record, as the snapshot has it

    @property
    def age(self) -> float:
        """Seconds since it began."""
        return (time.time_ns() - self.record.at) / _NS

    @property
    def over(self) -> bool:
        """Whether it is known how each of its responses ended."""
        return self.ends.keys() >= self.record.responses.keys()

    def end(self, response: str, ended: Ended | None) -> None:
        """That is how the response ended; None: nobody can tell any more."""
        for attempt, name in self.record.responses.items():
            if name == response:
                self.ends[attempt] = ended


def concluded(
    open_: Open, tariffs: Mapping[str, Tariff]
) -> tuple[RequestRecord, list[AttemptRecord], list[tuple[AttemptRecord, Charge]]]:
    """Its own record and its attempts', with what was used; and what those cost that were waited for. Raises ValueError
    for what a newer Weir began."""
    found = open_.record
    attempts = [cast(AttemptRecord, from_members("attempt", each)) for each in found.attempts]
    request = cast(RequestRecord, from_members("request", found.request))
    charges = []
    for attempt in attempts:
        if attempt.id in open_.ends:
            charges.append((attempt, _finish(attempt, open_, tariffs.get(attempt.model))))
            request.duration_ns = max(request.duration_ns, attempt.at + attempt.duration_ns - request.at)
            if request.outcome == "ok" and attempt.outcome != "ok":
                request.outcome, request.error = attempt.outcome, attempt.error
    _sum(request, attempts)
    return request, attempts, charges


def _finish(attempt: AttemptRecord, open_: Open, tariff: Tariff | None) -> Charge:
    """Put in what the attempt used, and what that costs."""
    ended = open_.ends[attempt.id]
    now = time.time_ns()
    at = now if ended is None or ended.at is None else min(now, max(attempt.at, int(ended.at * _NS)))
    attempt.duration_ns = max(attempt.duration_ns, at - attempt.at)
    if ended is None:
        attempt.usage, attempt.error = TokenUsage(), attempt.error or "response_lost"
    else:
        attempt.finish = ended.finish
        attempt.outcome = _OUTCOMES.get(ended.status, "ok")
        attempt.error = "response_failed" if ended.status == "failed" else ""
        if ended.usage.source == "reported":  # else the estimate stands that was made when it began
            attempt.usage = ended.usage
    gpu_ns = _gpu_time(attempt, open_, time.monotonic_ns() - (now - at))
    by_gpu = tariff is not None and tariff.by_gpu
    lost = ended is None or (by_gpu and gpu_ns is None)
    charge = _charge(attempt, tariff, gpu_ns or 0, lost=lost)
    attempt.usd, attempt.price_source, attempt.priced_at = charge.usd, charge.source, charge.priced_at
    attempt.components = {str(name): usd for name, usd in charge.components.items()}
    attempt.gpu_ns = gpu_ns if by_gpu else None
    return charge


def _gpu_time(attempt: AttemptRecord, open_: Open, at_ns: int) -> int | None:
    """What it is thought to have used of an engine of ours when it ended (monotonic ns); None: nobody knows."""
    ticket, ended = open_.tickets.get(attempt.id), open_.ends[attempt.id]
    if ticket is not None and attempt.id not in open_.gpu_ns:
        told = None if ended is None else ended.metrics
        open_.gpu_ns[attempt.id] = ticket.end(at_ns, attempt.usage, engine_metrics=told)
    return open_.gpu_ns.get(attempt.id)


def _charge(attempt: AttemptRecord, tariff: Tariff | None, gpu_ns: int, *, lost: bool) -> Charge:
    if tariff is None:
        return unknown("the model has left the configuration")
    if lost:
        return unknown("nobody could tell what the response used")
    return tariff.charge(attempt.usage, gpu_ns, attempt.at)


def _sum(request: RequestRecord, attempts: Sequence[AttemptRecord]) -> None:
    """Put the sums over its attempts into a request's record."""
    total = NOTHING
    for each in attempts:
        parts = cast(Mapping[Any, Decimal], each.components)
        total = total + Charge(each.usd, parts, each.price_source, each.priced_at)
    gpu = [each.gpu_ns for each in attempts if each.gpu_ns is not None]
    request.usd, request.price_source, request.priced_at = total.usd, total.source, total.priced_at
    request.gpu_ns = sum(gpu) if gpu else None
    request.usage = summed([each.usage for each in attempts])


def spent(hold: Hold, attempts: Iterable[AttemptRecord]) -> Spent:
    """What budgets are told; what has no known price counts as its estimate."""
    usd = gpu = tokens = 0
    for each in attempts:
        usd += hold.estimate(each.model) if each.usd is None else nano_dollars(each.usd)
        gpu += gpu_micros(each.gpu_ns or 0)
        tokens += each.usage.prompt + each.usage.generated
    return Spent(usd, gpu, tokens)


def final(attempts: Iterable[AttemptRecord]) -> tuple[Decimal, int]:
    """(USD that is final now, attempts whose cost is unknown)."""
    usd, unpriced = Decimal(0), 0
    for each in attempts:
        if each.usd is None:
            unpriced += 1
        elif each.gpu_ns is None:
            usd += each.usd
    return usd, unpriced
