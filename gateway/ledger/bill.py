"""What one request's GPU time cost, put together from what was booked: window by window, attempt by attempt."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from gateway.ledger.records import AttemptRecord, GpuBooking, GpuWindow, RequestRecord
from gateway.ledger.store import Store

_END: Final = 2**63 - 1
_BEFORE: Final = 5 * 10**9  # clocks of two gateways may differ by so much (ns)
_AFTER: Final = 3600 * 10**9  # windows of a request are closed and corrected by then (ns)


@dataclass(slots=True)
class Line:
    """One window: what the attempt did in it, what that came to, what was booked."""

    window: int  # its start, UTC ns
    replica: str
    posted: GpuWindow | None  # its prices; None: they were booked by a Weir that did not keep them
    prompt_tokens: int = 0  # effective
    output_tokens: float = 0.0
    context_tokens: int = 0
    booked_ns: int = 0  # at first,
    corrected_ns: int = 0  # and what was put right later
    usd: Decimal | None = Decimal(0)  # of both; None: no rate is known

    @property
    def gpu_ns(self) -> int:
        """What counts."""
        return self.booked_ns + self.corrected_ns

    @property
    def priced_ns(self) -> int | None:
        """What its tokens come to at the window's prices. The rest of `gpu_ns` is its share of busy time that no
        price explains or, where it is negative, what the window had too little of."""
        if self.posted is None:
            return None
        return int(
            self.prompt_tokens * self.posted.prompt_price
            + self.output_tokens * self.posted.output_price
            + self.context_tokens * self.posted.context_price
        )


@dataclass(slots=True)
class AttemptBill:
    """One attempt on GPUs of ours. `lines` are by time; there are none before its windows are closed."""

    attempt: AttemptRecord
    lines: list[Line] = field(default_factory=list)
    rates: list[str] = field(default_factory=list)  # what GPUs cost, as the ledger names it


@dataclass(frozen=True, slots=True)
class Bill:
    """One request. `elsewhere` are its attempts that used no GPU of ours."""

    request: RequestRecord
    attempts: Sequence[AttemptBill]
    elsewhere: Sequence[AttemptRecord]

    @property
    def lines(self) -> list[Line]:
        """Of all attempts."""
        return [line for attempt in self.attempts for line in attempt.lines]

    @property
    def gpu_ns(self) -> int:
        """All that was booked."""
        return sum(line.gpu_ns for line in self.lines)

    @property
    def usd(self) -> Decimal | None:
        """What it cost; None where a part has no known rate."""
        total = Decimal(0)
        for line in self.lines:
            if line.usd is None:
                return None
            total += line.usd
        return total


def bills(store: Store, request: str) -> list[Bill]:
    """The bills of all requests of that id: none, one, or several where a client chose it twice. Raises as Store."""
    found = store.matching("request", "id", request, 0, _END)
    return [_bill(store, each) for each in found if isinstance(each, RequestRecord)]


def _bill(store: Store, request: RequestRecord) -> Bill:
    start, end = request.at - _BEFORE, request.at + request.duration_ns + _AFTER
    attempts: dict[str, AttemptBill] = {}
    elsewhere: list[AttemptRecord] = []
    for record in store.matching("attempt", "request", request.id, start, end):
        if not isinstance(record, AttemptRecord):
            continue
        if record.gpu_ns is None:
            elsewhere.append(record)
        else:
            attempts[record.id] = AttemptBill(record)
    bookings = [
        b for b in store.matching("gpu", "request", request.id, start, end) if isinstance(b, GpuBooking)
    ]
    if bookings:
        first, last = min(b.at for b in bookings), max(b.at for b in bookings)
        posted = _posted(store.records("window", first - _BEFORE, last + _BEFORE))
        for booking in bookings:
            if booking.attempt in attempts:
                _book(attempts[booking.attempt], booking, posted)
    for attempt in attempts.values():
        attempt.lines.sort(key=lambda line: (line.window, line.replica))
    return Bill(request, list(attempts.values()), elsewhere)


def _posted(records: Iterable[object]) -> dict[tuple[str, str, int], GpuWindow]:
    return {(r.backend, r.replica, r.window): r for r in records if isinstance(r, GpuWindow)}


def _book(bill: AttemptBill, booking: GpuBooking, posted: dict[tuple[str, str, int], GpuWindow]) -> None:
    """Add a booking to its window's line."""
    for line in bill.lines:
        if (line.window, line.replica) == (booking.window, booking.replica):
            break
    else:
        key = (booking.backend, booking.replica, booking.window)
        line = Line(booking.window, booking.replica, posted.get(key))
        bill.lines.append(line)
    if booking.correction:
        line.corrected_ns += booking.gpu_ns
    else:
        line.booked_ns += booking.gpu_ns
    line.prompt_tokens = booking.prompt_tokens  # the last booking knows best
    line.output_tokens = booking.output_tokens
    line.context_tokens = booking.context_tokens
    line.usd = None if line.usd is None or booking.usd is None else line.usd + booking.usd
    if booking.price_source and booking.price_source not in bill.rates:
        bill.rates.append(booking.price_source)
