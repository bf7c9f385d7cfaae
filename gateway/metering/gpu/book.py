"""One replica's GPU time, window by window: measure it, price it, hand every nanosecond to one use."""

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

from adapters.chat import TokenUsage
from gateway.metering.gpu.cached import CachedShares
from gateway.metering.gpu.counts import AllOurs, Counted, abandoned, own, prompts_by_cohort, refined
from gateway.metering.gpu.facts import SECOND, Booking, Coefficients, GpuBackend, Kind, Row, RowKey
from gateway.metering.gpu.learning import Learner
from gateway.metering.gpu.rows import Drawn, Tokens, WindowRows
from gateway.metering.gpu.spans import Span, length, union
from gateway.metering.gpu.ticket import Ticket
from gateway.metering.gpu.watch import Watch

Claims = dict[Ticket, int]


@dataclass(frozen=True, slots=True)
class Rules:
    """How long windows are and how long they wait (ns)."""

    window_ns: int = SECOND
    grace_ns: int = 3 * SECOND  # for the counters to cover a window, before it is closed without them
    patience_ns: int = (
        30 * SECOND
    )  # for open requests, before what they turn out to have used is a correction
    cap: float = 1.25  # the price level's limit, as a multiple of its usual value
    usual_windows: int = 60
    linger: int = 1  # windows that stay open for claims from beyond their edges (several gateways: 2)
    correctable: int = 3600  # windows whose prices are kept for attempts that go on so long
    settled_after: float = 5.0  # busy seconds until the usual price level is known well enough to cap by it


@dataclass(slots=True)
class _Held:
    """A window that is measured and claimed, and waits for its neighbour before it is booked."""

    key: RowKey
    row: Row
    mine: bool  # this gateway wrote the row and books what is not a request's
    explained: bool  # the counters told of work, so the row's price is one of its own
    granted: Claims = field(default_factory=dict)
    short: Claims = field(default_factory=dict)  # claims the window's own time did not reach for
    ours: Tokens = field(default_factory=Tokens)  # what this gateway's requests read and wrote
    told: Counted | None = None  # what the engine counted
    rest_ns: int = 0  # busy while no own request was there
    present: Claims = field(default_factory=dict)  # who was there, and for how long
    carried_ns: int = 0  # waiting at the window's end less at its beginning


class ReplicaBook:
    """Built at `now_ns` (monotonic); `wall_ns - now_ns` numbers the windows for good. `writer` is its own name."""

    def __init__(
        self,
        backend: GpuBackend,
        replica: str,
        writer: str,
        rows: WindowRows,
        rules: Rules,
        learner: Learner,
        now_ns: int,
        wall_ns: int,
    ) -> None:
        self.backend = backend
        self.replica = replica
        self.watch = Watch()
        self._writer = writer
        self._rows = rows
        self._rules = rules
        self._offset = wall_ns - now_ns
        self._begun = now_ns
        self._next = self.window(now_ns)
        self._tickets: list[Ticket] = []  # in the order they began
        self._at_work = 0  # of them, not ended
        self._lone: Ticket | None = None  # the only one at work
        self._late: list[Ticket] = []  # ended after windows they had work in were closed
        self._closed: dict[int, Row] = {}  # rows that open tickets may still have claims on
        self._held: deque[_Held] = deque()
        self._cached = CachedShares()
        self._learner = learner
        self._recent: deque[tuple[float, float]] = deque(maxlen=rules.usual_windows)  # busy and work, seconds
        self._recent_busy = 0.0
        self._usual = 1.0  # price level: busy seconds to a second of work
        self._all_ours = AllOurs(rules.usual_windows)
        self._overdue: list[Booking] = []  # corrections of other windows, found while closing one
        self._waiting_ns = 0
        self.steps_per_token = 1.0
        self.provisioned_ns = 0  # GPU ns of all windows booked, by the clock alone

    @property
    def coefficients(self) -> Coefficients:
        """What is known now."""
        return self._learner.coefficients

    @property
    def open(self) -> bool:
        """Whether an attempt has not ended, or was not booked for all it did."""
        return bool(self._late) or self._at_work > 0

    def window(self, now_ns: int) -> int:
        """The number of the window this moment is in."""
        return (now_ns + self._offset) // self._rules.window_ns

    def bounds(self, window: int) -> Span:
        """When the window begins and ends, monotonic ns."""
        begin = window * self._rules.window_ns - self._offset
        return begin, begin + self._rules.window_ns

    def begin(
        self, owner: Hashable, now_ns: int, prompt_tokens: int, cohort: Hashable, *, streamed: bool
    ) -> Ticket:
        """An attempt was sent."""
        ticket = Ticket(self, owner, now_ns, cohort, streamed=streamed)
        ticket.read(prompt_tokens, self._cached.of(cohort, prompt_tokens))
        if self._at_work:
            ticket.alone = False
            if self._lone is not None:
                self._lone.alone = False
        self._lone = ticket if ticket.alone else None
        self._at_work += 1
        self._tickets.append(ticket)
        return ticket

    def prompt_of(self, usage: TokenUsage, ticket: Ticket) -> tuple[int, int]:
        """(computed, cached) prompt tokens; where the engine did not say, by what its cohort is used to."""
        if not usage.prompt:
            return ticket.computed, ticket.cached
        if usage.source == "reported":
            cached = self._cached.told(ticket.cohort, usage.prompt, usage.cache_read)
        else:
            cached = usage.cache_read or self._cached.of(ticket.cohort, usage.prompt)
        return usage.prompt - cached, cached

    def computable(self, took_ns: int) -> float:
        """Prompt tokens that a client who left without an answer may have had computed."""
        if self.watch.queued:
            return 0.0  # it most likely waited its turn
        return took_ns / SECOND / (self._usual * self.coefficients.prompt)

    def ended(self, ticket: Ticket) -> int:
        """Take note that the ticket ended; GPU ns it probably used."""
        self._at_work -= 1
        if self._lone is ticket:
            self._lone = None
        if ticket.windows and ticket.windows[0] < self._next:
            self._late.append(ticket)
        if ticket.did_nothing:
            return 0
        took = (ticket.ended or ticket.reached) - ticket.reached
        if ticket.alone:
            return self.backend.gpus * took
        seconds = self._usual * ticket.all_work(self.coefficients, self.steps_per_token)
        return self.backend.gpus * min(took, int(seconds * SECOND))

    def closable(self, now_ns: int, *, final: bool = False) -> bool:
        """Whether `close_next` has a window to close."""
        return (final and self.bounds(self._next)[0] < now_ns) or self._ready(now_ns)

    async def close_next(self, now_ns: int) -> list[Booking]:
        """Close one window, up to `now_ns` if it is not over; book the one that came to rest by that."""
        booked = await self._correct()
        await self._settle(self._next, min(now_ns, self.bounds(self._next)[1]))
        self._next += 1
        if len(self._held) > 1 + self._rules.linger:
            booked += await self._finish(self._held.popleft())
        return booked

    async def tidy(self, *, final: bool = False) -> list[Booking]:
        """Book late knowledge; where `final`, also the windows that waited for their neighbours."""
        booked = await self._correct()
        while final and self._held:
            booked += await self._finish(self._held.popleft())
        booked += self._overdue
        self._overdue = []
        self._forget()
        return booked

    def _ready(self, now_ns: int) -> bool:
        end = self.bounds(self._next)[1]
        if end > now_ns:
            return False
        if self.watch.counted_until() < end and now_ns < end + self._rules.grace_ns:
            return False
        return now_ns >= end + self._rules.patience_ns or not any(
            ticket.begun < end and ticket.unclear(self._next) for ticket in self._tickets
        )

    async def _settle(self, window: int, end: int) -> None:
        begin = max(self.bounds(window)[0], self._begun)
        tickets = [t for t in self._tickets if t.begun < end and (t.ended is None or t.ended >= begin)]
        key = self._key(window)
        before = self._waiting_ns
        told = self.watch.counted(begin, end)
        row, known, work, rest = self._measure(begin, end, window, tickets, told)
        gpus = self.backend.gpus
        posted = await self._rows.publish(key, row, gpus * row.paid_ns)
        held = _Held(key, posted, mine=posted.writer == self._writer, explained=work > 0)
        self._waiting_ns = posted.waiting_ns
        held.carried_ns = posted.waiting_ns - before
        held.told, held.rest_ns, held.ours = told, rest, Tokens(known.prompts, known.generated)
        await self._rows.tell(key, held.ours)
        held.present = _present(tickets, begin, end)
        wanted = {t: self._due(t, window, posted) for t in tickets}
        if not any(wanted.values()) and not work:
            wanted = _shared(gpus * posted.paid_ns, held.present)
        held.granted, held.short = await self._draw(key, wanted, window)
        for earlier in reversed(self._held):
            await self._even_out(earlier, held)
        self._held.append(held)
        self._closed[window] = posted

    def _measure(
        self, begin: int, end: int, window: int, tickets: Sequence[Ticket], told: Counted | None
    ) -> tuple[Row, Counted, float, int]:
        """The window's row, what own requests did, the seconds of work that explain its busy time, and how much
        of that time (ns) was outside own requests."""
        spans = union(
            (max(t.reached, begin), min(end, end if t.ended is None else t.ended))
            for t in tickets
            if not t.did_nothing
        )
        rest_busy, unobserved = self.watch.rest(begin, end, spans)
        busy = int(length(spans) * self.watch.inside(begin, end)) + rest_busy
        known = own(tickets, window, spans)
        counted = refined(told, known) if told else known
        counted = counted.plus(abandoned(tickets, window))
        work = counted.work(self.coefficients)
        if counted.generated > 0:
            self.steps_per_token = counted.steps / counted.generated
        self._remember(busy / SECOND, work)
        if told and busy > 0:
            self._learner.add(busy / SECOND, counted, self.replica)
        if told:
            self._cached.counted(prompts_by_cohort(tickets, window), told.computed, told.prompts)
        paid = self._paid(busy + self._waiting_ns, work, over=self._over(end, tickets))
        row = Row(
            writer=self._writer,
            provisioned_ns=end - begin,
            busy_ns=busy,
            paid_ns=paid,
            waiting_ns=busy + self._waiting_ns - paid,
            unobserved_ns=unobserved,
            scale=paid / SECOND / work if work > 0 else self._usual,
            coefficients=self.coefficients,
            steps_per_token=self.steps_per_token,
        )
        return row, known, work, rest_busy

    def _paid(self, due_ns: int, work: float, *, over: bool) -> int:
        """How much of the busy time that is due gets paid for in this window."""
        if over:
            return due_ns
        if work <= 0:
            return 0
        if self._recent_busy < self._rules.settled_after:
            return due_ns
        return min(due_ns, int(self._rules.cap * self._usual * work * SECOND))

    def _remember(self, busy: float, work: float) -> None:
        """Keep the price level of the last minute."""
        self._recent.append((busy, work))
        self._recent_busy = sum(seconds for seconds, _ in self._recent)
        done = sum(seconds for _, seconds in self._recent)
        self._usual = self._recent_busy / done if done > 0 else 1.0

    def _over(self, end: int, tickets: Sequence[Ticket]) -> bool:
        """Whether a busy time ended with the window, so that nothing later can explain what is waiting."""
        return self.watch.idle_at(end) and all(t.ended is not None and t.ended <= end for t in tickets)

    async def _draw(self, key: RowKey, wanted: Claims, window: int | None) -> tuple[Claims, Claims]:
        """Draw on `key` for claims that belong to `window`; what each ticket got, and what it lacks."""
        total = sum(wanted.values())
        if not total:
            return {}, {}
        drawn = await self._rows.draw(key, total)
        granted = {t: drawn.gpu_ns * ns // total for t, ns in wanted.items() if ns}
        leftover = drawn.gpu_ns - sum(granted.values())
        if leftover:
            await self._rows.draw(key, -leftover)
        self._overdue += self._taken_back(replace(drawn, gpu_ns=drawn.gpu_ns - leftover), key.window)
        if window is not None:
            for ticket, ns in granted.items():
                ticket.booked[window] = ticket.booked.get(window, 0) + ns
        return granted, {t: wanted[t] - ns for t, ns in granted.items() if wanted[t] > ns}

    async def _even_out(self, left: _Held, right: _Held) -> None:
        """Tokens that arrived on the other side of a window's edge draw on the neighbour's unclaimed time."""
        if not left.explained:
            for ticket in left.short:
                due = self._due(ticket, left.key.window, right.row)
                left.short[ticket] = max(0, due - left.granted.get(ticket, 0))
        for claimant, source in ((right, left), (left, right)):
            granted, claimant.short = await self._draw(source.key, claimant.short, claimant.key.window)
            for ticket, ns in granted.items():
                source.granted[ticket] = source.granted.get(ticket, 0) + ns

    async def _top_up(self, held: _Held) -> None:
        """Where the engine lately worked for gateways alone, what their claims leave is their requests' too."""
        total = await self._rows.tell(held.key, Tokens())
        if held.told:
            self._all_ours.add(total, held.told)
        if held.rest_ns or not self._all_ours:
            return
        left = await self._rows.portion(held.key, held.ours)
        granted, _ = await self._draw(held.key, _shared(left, held.granted or held.present), None)
        for ticket, ns in granted.items():
            held.granted[ticket] = held.granted.get(ticket, 0) + ns

    async def _finish(self, held: _Held) -> list[Booking]:
        await self._top_up(held)
        bookings = [
            self._booking("request", held.key.window, ns, owner=ticket.owner)
            for ticket, ns in held.granted.items()
        ]
        row, gpus = held.row, self.backend.gpus
        if held.mine:
            self.provisioned_ns += gpus * row.provisioned_ns
            idle = row.provisioned_ns - row.busy_ns - row.unobserved_ns
            rest: tuple[tuple[Kind, int], ...] = (
                ("foreign", await self._rows.close(held.key)),
                ("waiting", gpus * held.carried_ns),
                ("idle", gpus * idle),
                ("unobserved", gpus * row.unobserved_ns),
            )
            bookings += [self._booking(kind, held.key.window, ns) for kind, ns in rest]
        return [booking for booking in bookings if booking.gpu_ns]

    async def _correct(self) -> list[Booking]:
        """Book what tickets that ended after their windows were closed turned out to have used."""
        booked: list[Booking] = []
        late, self._late = self._late, []
        for ticket in late:
            for window in {*ticket.windows, *ticket.booked}:
                row = self._closed.get(window)
                if row is not None:
                    booked += await self._correct_window(ticket, window, row)
        return booked

    async def _correct_window(self, ticket: Ticket, window: int, row: Row) -> list[Booking]:
        due = self._due(ticket, window, row)
        drawn = await self._rows.draw(self._key(window), due - ticket.booked.get(window, 0))
        if not drawn.gpu_ns:
            return []
        ticket.booked[window] = ticket.booked.get(window, 0) + drawn.gpu_ns
        for held in self._held:
            if held.key.window == window:
                held.granted[ticket] = held.granted.get(ticket, 0) + drawn.gpu_ns
                return self._taken_back(drawn, window)
        correction = replace(
            self._booking("request", window, drawn.gpu_ns, owner=ticket.owner), correction=True
        )
        return [correction, *self._taken_back(drawn, window)]

    def _taken_back(self, drawn: Drawn, window: int) -> list[Booking]:
        """The correction of foreign time that was booked before it was claimed."""
        if not drawn.late:
            return []
        return [replace(self._booking("foreign", window, -drawn.gpu_ns), correction=True)]

    def _key(self, window: int) -> RowKey:
        return RowKey(self.backend.name, self.replica, self.backend.gpus, window)

    def _due(self, ticket: Ticket, window: int, row: Row) -> int:
        """What the ticket owes for a window (GPU ns)."""
        return int(row.scale * ticket.work(window, row) * self.backend.gpus * SECOND)

    def _booking(self, kind: Kind, window: int, gpu_ns: int, *, owner: Hashable | None = None) -> Booking:
        row = self._closed.get(window)
        return Booking(
            kind, owner, self.backend.name, self.replica, window, gpu_ns, correction=False, row=row
        )

    def _forget(self) -> None:
        """Drop tickets and rows nothing can claim on any more."""
        opened = self.bounds(self._next - 1)[0]
        self._tickets = [t for t in self._tickets if t.ended is None or t.ended >= opened]
        oldest = min((self.window(t.begun) for t in self._tickets), default=self._next)
        kept = min(oldest - 1, self._held[0].key.window if self._held else oldest)
        kept = max(kept, self._next - self._rules.correctable)
        for window in [w for w in self._closed if w < kept]:
            del self._closed[window]


def _present(tickets: Sequence[Ticket], begin: int, end: int) -> Claims:
    """How long each was there."""
    return {t: min(end, t.ended or end) - max(begin, t.begun) for t in tickets if not t.did_nothing}


def _shared(gpu_ns: int, weights: Claims) -> Claims:
    """GPU time by weight."""
    total = sum(weights.values())
    return {t: gpu_ns * weight // total for t, weight in weights.items()} if total else {}
