"""What booked usage would cost at the prices known today: each difference becomes a record of its own.

Prices are those of the day on which something was used; what changes is what Weir knows of them: a contract that
was entered late, a rate that was wrong. What was booked stays beside it. Running it again finds nothing to do.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from gateway.ledger.records import AttemptRecord, GpuBooking, Rerating
from gateway.ledger.store import Store
from gateway.metering.charges import Charge

_DAY_NS: Final = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class Pricing:
    """Today's prices for what was booked; None: it is none of theirs (no such backend now, or GPU time)."""

    attempt: Callable[[AttemptRecord], Charge | None]
    booking: Callable[[GpuBooking], Charge | None]


@dataclass(slots=True)
class Tally:
    """What a run came to."""

    attempts: int = 0  # re-rated
    bookings: int = 0
    same: int = 0
    unknown: int = 0  # no price is known for them now: what held before still does
    left: int = 0  # their backend is not in the configuration
    delta: Decimal = Decimal(0)


def rerate(
    store: Store, start: int, end: int, pricing: Pricing, made: int, tally: Tally
) -> Iterator[Rerating]:
    """The re-ratings of what was booked in [start, end) (UTC nanoseconds), made at `made`. Raises
    StoreUnavailable, StoreUnfit."""
    for day in range(start - start % _DAY_NS, end, _DAY_NS):
        span = (max(start, day), min(end, day + _DAY_NS))
        held = _held(
            store, span[0] - _DAY_NS, span[1]
        )  # a window is booked on its day, or just after midnight
        for attempt in store.records("attempt", *span):
            if isinstance(attempt, AttemptRecord) and attempt.price_source:
                yield from _again("attempt", attempt, pricing.attempt(attempt), held, made, tally)
        for booking in store.records("gpu", *span):
            if isinstance(booking, GpuBooking):
                yield from _again("gpu", booking, pricing.booking(booking), held, made, tally)


def _held(store: Store, start: int, end: int) -> Mapping[tuple[str, str], Rerating]:
    """The last re-rating of each record of that time."""
    found: dict[tuple[str, str], Rerating] = {}
    for each in store.records("rerating", start, end):
        if isinstance(each, Rerating):
            before = found.get((each.of, each.booked))
            if before is None or each.made >= before.made:
                found[each.of, each.booked] = each
    return found


def _again(
    of: Literal["attempt", "gpu"],
    booked: AttemptRecord | GpuBooking,
    charge: Charge | None,
    held: Mapping[tuple[str, str], Rerating],
    made: int,
    tally: Tally,
) -> Iterator[Rerating]:
    """A record's re-rating, if its price is another one now."""
    if charge is None:
        tally.left += 1
        return
    last = held.get((of, booked.id))
    before, source = (booked.usd, booked.price_source) if last is None else (last.usd, last.price_source)
    if charge.usd is None:
        tally.unknown += 1
        return
    if charge.usd == before:
        tally.same += 1
        return
    delta = charge.usd - (before or Decimal(0))
    tally.delta += delta
    window = isinstance(booked, GpuBooking)
    tally.bookings += window
    tally.attempts += not window
    yield Rerating(
        id=f"rerating-{made}-{booked.id}",
        at=booked.window if isinstance(booked, GpuBooking) else booked.at,
        tenant=booked.tenant,
        of=of,
        booked=booked.id,
        made=made,
        usd=charge.usd,
        before=before,
        delta=delta,
        price_source=charge.source,
        source_before=source,
        priced_at=charge.priced_at,
        workflow=booked.workflow,
        route=booked.route,
        model=booked.model,
        backend=booked.backend,
        zone="" if isinstance(booked, GpuBooking) else booked.zone,
        replica=booked.replica if isinstance(booked, GpuBooking) else "",
        use=booked.use if isinstance(booked, GpuBooking) else "",
    )
