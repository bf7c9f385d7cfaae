"""One replica's GPU time, window by window: measure it, price it, hand every nanosecond to one use."""

from collections import deque
from collections.abc import Hashable

from adapters.chat import TokenUsage
from gateway.metering.gpu.cached import CachedShares
from gateway.metering.gpu.company import Company
from gateway.metering.gpu.counts import AllOurs, Counted, refined
from gateway.metering.gpu.crowd import shares
from gateway.metering.gpu.doubt import missed
from gateway.metering.gpu.drawing import Drawing
from gateway.metering.gpu.facts import SECOND, Booking, Coefficients, GpuBackend, Row, RowKey, Tokens
from gateway.metering.gpu.held import Claims, Held, booking
from gateway.metering.gpu.hindsight import Hindsight
from gateway.metering.gpu.late import Late
from gateway.metering.gpu.learning import Learner
from gateway.metering.gpu.level import PriceLevel
from gateway.metering.gpu.preempted import Preempted
from gateway.metering.gpu.remainder import Remainder
from gateway.metering.gpu.rows import Knowledge, WindowRows
from gateway.metering.gpu.rules import Rules
from gateway.metering.gpu.spans import length
from gateway.metering.gpu.tally import Tally
from gateway.metering.gpu.ticket import Book, Ticket
from gateway.metering.gpu.turns import Turns
from gateway.metering.gpu.usual import Usual
from gateway.metering.gpu.watch import Watch


class ReplicaBook(Book):
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
        turns: Turns | None = None,
    ) -> None:
        watch = Watch()
        super().__init__(watch.pace, wall_ns - now_ns, rules.window_ns)
        self.backend = backend
        self.replica = replica
        self.watch = watch
        self._writer = writer
        self._rows = rows
        self._rules = rules
        self._turns = turns or Turns()
        self._begun = now_ns
        self._next = self.window(now_ns)
        self._tickets: list[Ticket] = []  # in the order they began
        self._working: dict[Ticket, None] = {}  # of them, not ended
        self._lone: Ticket | None = None  # the only one at work
        self._held: deque[Held] = deque()
        self._cached = CachedShares()
        self._lengths = Usual()  # prompt tokens to those estimated
        self._learner = learner
        self._hindsight = Hindsight(learner, replica)
        self._level = PriceLevel(rules.usual_windows, rules.cap, rules.settled_after)
        self._all_ours = AllOurs(rules.usual_windows)
        self._remainder = Remainder(rows, writer, self._turns)
        self._drawing = Drawing(rows, self._turns)
        self._late = Late(self._drawing, self._turns)
        self._preempted = Preempted()
        self._company = Company(rows, self._offset, self._next)
        self._waiting_ns = 0
        self.steps_per_token = 1.0

    @property
    def coefficients(self) -> Coefficients:
        """What is known now."""
        return self._learner.coefficients

    @property
    def provisioned_ns(self) -> int:
        """GPU ns of all windows booked, by the clock alone."""
        return self._remainder.provisioned_ns

    @property
    def occupied(self) -> bool:
        """Whether an attempt has not ended, or was not booked for all it did."""
        return bool(self._late.ended or self._working)

    @property
    def open(self) -> bool:
        """Whether there is something to be booked yet."""
        return self.occupied or self._remainder.pending

    def begin(
        self,
        owner: Hashable,
        now_ns: int,
        *,
        prompt_tokens: int = 0,
        cohort: Hashable = None,
        streamed: bool = False,
    ) -> Ticket:
        """An attempt is sent now. `owner` comes back in its bookings; `prompt_tokens` is an estimate, if any.
        Attempts of one `cohort` (a route of a tenant, say) are taken to be alike in how much of their prompts
        is cached, where that is not known yet. `streamed`: tokens will be told of as they come, so that windows
        in which none came need not wait for the end."""
        ticket = Ticket(self, owner, now_ns, cohort, streamed=streamed)
        if prompt_tokens:
            ticket.foretold = prompt_tokens
            prompt = round(prompt_tokens * self._lengths.ratio)
            ticket.read(prompt, self._cached.of(cohort, prompt))
            ticket.variance = self._cached.variance(cohort) * (prompt * prompt)
        if self._working:
            ticket.alone = False
            if self._lone is not None:
                self._lone.alone = False
                self._lone = None
        else:
            self._lone = ticket
        self._working[ticket] = None
        self._tickets.append(ticket)
        return ticket

    def prompt_of(self, usage: TokenUsage, prompt: int, ticket: Ticket) -> tuple[int, int]:
        """(computed, cached) prompt tokens; where the engine did not say, by what its cohort is used to."""
        if not prompt:
            return ticket.computed, ticket.cached
        if usage.source == "reported":
            self._lengths.add(prompt, ticket.foretold)
            cached = self._cached.told(ticket.cohort, prompt, usage.cache_read)
        else:
            cached = usage.cache_read or self._cached.of(ticket.cohort, prompt)
        return prompt - cached, cached

    def computable(self, took_ns: int) -> float:
        """Prompt tokens that a client who left without an answer may have had computed."""
        if self.watch.queued:
            return 0.0  # it most likely waited its turn
        return took_ns / SECOND / (self._level.usual * self.coefficients.prompt)

    def ended(self, ticket: Ticket) -> int:
        """Take note that the ticket ended; GPU ns it probably used."""
        del self._working[ticket]
        if self._lone is ticket:
            self._lone = None
        if ticket.windows and ticket.windows[0] < self._next:
            ticket.late = True
            self._late.ended.append(ticket)
        if ticket.did_nothing:
            return 0
        took = (ticket.ended or ticket.reached) - ticket.reached
        if ticket.alone:
            return self.backend.gpus * took
        seconds = self._level.usual * ticket.all_work(self.coefficients, self.steps_per_token)
        return self.backend.gpus * min(took, int(seconds * SECOND))

    def closable(self, now_ns: int, *, final: bool = False) -> bool:
        """Whether `close_next` has a window to close."""
        begin, end = self.bounds(self._next)
        due = end + self._rules.company_ns <= now_ns and self._ready(self._next, now_ns)
        return due or (final and begin < now_ns)

    async def agreed(self, now_ns: int, *, final: bool = False) -> bool:
        """Whether every gateway that had requests in the next window has said what it knows of them, or had its time
        to. Says what this one knows."""
        if not self._rows.shared:
            return True
        end = self.bounds(self._next)[1]
        met = await self._company.meet(
            self._key(self._next), await self._tallied(self._next, min(now_ns, end))
        )
        return met or final or now_ns >= end + self._rules.patience_ns + self._rules.company_ns

    async def announce(self, now_ns: int) -> None:
        """Tell other gateways what this one knows of the windows it could close; of further ones that are over, that it
        may have something to say."""
        if not self._rows.shared:
            return
        for window in range(max(self._next, self._company.said), self.window(now_ns)):
            if self._company.said == window and self._ready(window, now_ns):
                await self._company.meet(
                    self._key(window), await self._tallied(window, self.bounds(window)[1])
                )
            elif self._tickets:
                await self._company.announce(self._key(window))

    async def close_next(self, now_ns: int) -> list[Booking]:
        """Close one window, up to `now_ns` if it is not over; book the one that came to rest by that."""
        self._turns.begin()
        booked = await self._late.correct(self._held, self._key)
        window = self._next
        self._next += 1  # before any pause: whatever is learned of the window from here on is a correction
        await self._settle(window, min(now_ns, self.bounds(window)[1]))
        self._held[-1].since_ns = now_ns
        await self._even_all(now_ns - self._rules.company_ns)
        while sum(1 for held in self._held if held.evened) > 1 + self._rules.linger:
            booked += await self._finish(self._held.popleft())
        return booked

    async def tidy(self, *, final: bool = False) -> list[Booking]:
        """Book late knowledge; where `final`, also the windows that waited for their neighbours."""
        self._turns.begin()
        booked = await self._late.correct(self._held, self._key)
        if final:
            await self._even_all()
        while final and self._held:
            booked += await self._finish(self._held.popleft())
        booked += await self._remainder.catch_up()
        booked += self._drawing.overdue
        self._drawing.overdue = []
        await self._forget()
        return booked

    def _ready(self, window: int, now_ns: int) -> bool:
        """Whether all is known that is worth waiting for."""
        end = self.bounds(window)[1]
        if end > now_ns:
            return False
        if self.watch.counted_until() < end and now_ns < end + self._rules.grace_ns:
            return False
        return now_ns >= end + self._rules.patience_ns or not any(
            ticket.begun < end and ticket.unclear(window) for ticket in self._working
        )

    async def _settle(self, window: int, end: int) -> None:
        tally = await self._tallied(window, end)
        key = self._key(window)
        before = self._waiting_ns
        told = self.watch.counted(tally.begin, end)
        known = self._company.together(tally)
        if known.doubt.variance and await self._put_right(tally, told, known):
            tally = await self._tallied(window, end)  # for its claims; `known` is what all gateways go by
        own = tally.counted()
        row, work, rest = self._measure(tally, known, told)
        if any(ticket.anew and window in ticket.anew for _, ticket in tally.silences):
            tally = await self._tallied(window, end)
        pool = self.backend.gpus * row.paid_ns
        posted = await self._rows.publish(key, row, pool)
        self._late.posted[window] = posted
        self._waiting_ns = posted.waiting_ns
        held = Held(
            key,
            posted,
            explained=work > 0,
            ours=Tokens(own.prompts + tally.unsure, own.generated),
            told=told,
            rest_ns=rest,
            present=tally.present,
            carried_ns=posted.waiting_ns - before,
        )
        await self._rows.tell(key, held.ours)
        wanted = await self._wanted(tally, held)
        if wanted or work:
            held.granted, held.short = await self._drawing.claim(key, posted, wanted, window)
        else:
            present = sum(tally.present.values())  # nothing tells what was done: by how long each was there
            part = self.backend.gpus * posted.paid_ns * present // max(1, known.present_ns)
            held.granted = await self._drawing.draw(key, posted, part, held.present, window)
        self._held.append(held)
        await self._turns.drop(tally.did)

    async def _put_right(self, tally: Tally, told: Counted | None, known: Knowledge) -> bool:
        """Estimate unclear prompts by what the engine counted; whether there was anything to be told."""
        more = missed(told, known.counted, known.doubt)
        if not more:
            return False
        for few in self._turns.over(tally.doubtful):
            for ticket in few:
                prompt = ticket.computed + ticket.cached
                computed = min(prompt, max(0, round(ticket.computed + more * ticket.variance)))
                ticket.read(prompt, prompt - computed)
            await self._turns.pause()
        return True

    async def _tallied(self, window: int, end: int) -> Tally:
        """What own requests did in the window."""
        bounds = self.bounds(window)
        tally = Tally(window, bounds, max(bounds[0], self._begun), end)
        for few in self._turns.over(self._tickets):
            for ticket in few:
                tally.add(ticket)
            await self._turns.pause()
        return tally

    def _measure(self, tally: Tally, known: Knowledge, told: Counted | None) -> tuple[Row, float, int]:
        """The window's row, the seconds of work that explain its busy time, and how much of that time (ns) was
        outside gateways' requests."""
        begin, end, spans = tally.begin, tally.end, known.spans
        costs = self.coefficients  # work and prices by the same ones, whatever this window teaches
        rest_busy, unobserved = self.watch.rest(begin, end, spans)
        busy = int(length(spans) * self.watch.inside(begin, end)) + rest_busy
        counted = refined(told, known.counted) if told else known.counted
        counted = counted.plus(known.abandoned)
        if told:
            second = self._level.usual * costs.prompt_work(1, 0)
            counted = counted.plus(
                self._preempted.again(tally.window, told.preempted, known.silences, tally.silences, second)
            )
        work, others = counted.work(costs), 0.0
        if counted.generated > 0:
            self.steps_per_token = counted.steps / counted.generated
            others = max(0.0, counted.generated - known.counted.generated) / max(1.0, counted.steps)
        self._level.remember(busy / SECOND, work)
        if told and busy > 0:
            self._hindsight.add(
                tally.window, (begin, end), busy / SECOND, counted, known.prompts, self._level.usual
            )
        if told:
            self._cached.counted(tally.cohorts, told.computed, told.prompts)
        paid = self._level.paid(busy + self._waiting_ns, work, over=known.over and self.watch.idle_at(end))
        row = Row(
            writer=self._writer,
            provisioned_ns=end - begin,
            busy_ns=busy,
            paid_ns=paid,
            waiting_ns=busy + self._waiting_ns - paid,
            unobserved_ns=unobserved,
            scale=paid / SECOND / work if work > 0 else self._level.usual,
            coefficients=costs,
            steps_per_token=self.steps_per_token,
            gpus=self.backend.gpus,
            crowd=shares(known.writers, others),
        )
        return row, work, rest_busy

    async def _wanted(self, tally: Tally, held: Held) -> Claims:
        """What each request owes by the row's prices (GPU ns)."""
        row, prices, bounds = held.row, held.row.prices, self.bounds(tally.window)
        wanted: Claims = {}
        for few in self._turns.over(tally.did):
            for ticket, did in few:
                paid = ticket.pays_for(tally.window, row, did, bounds)
                ns = prices.due(paid)
                if ns:
                    wanted[ticket] = ns
                    if ticket.ended is not None:  # nothing more will be known of it
                        held.did[ticket] = paid
            await self._turns.pause()
        return wanted

    async def _even_all(self, rested_ns: int | None = None) -> None:
        """Let windows draw on their neighbours, once all gateways have claimed there what is theirs."""
        windows = list(self._held)
        for at, held in enumerate(windows):
            if held.evened or (rested_ns is not None and held.since_ns > rested_ns):
                continue
            held.evened = True
            for earlier in windows[max(0, at - self._rules.reach) : at][::-1]:
                await self._drawing.even_out(earlier, held)

    async def _top_up(self, held: Held) -> None:
        """Where the engine lately worked for gateways alone, what their claims leave is their requests' too."""
        total = await self._rows.tell(held.key, Tokens())
        if held.told:
            self._all_ours.add(total, held.told)
        if held.rest_ns or not await self._worked_for_us():
            return
        left = await self._rows.portion(held.key, held.ours)
        weights = held.granted or held.present
        await held.grant(await self._drawing.draw(held.key, held.row, left, weights), self._turns)

    async def _worked_for_us(self) -> bool:
        """Whether the engine lately worked for gateways alone: up to this window, or with the next one."""
        if self._all_ours:
            return True
        after = self._held[0] if self._held else None
        if after is None or after.told is None:
            return False
        return self._all_ours.so_with(await self._rows.tell(after.key, Tokens()), after.told)

    async def _finish(self, held: Held) -> list[Booking]:
        await self._top_up(held)
        if held.short:
            self._late.unmet[held.key.window] = held.short
        bookings: list[Booking] = []
        key, row, did = held.key, held.row, held.did
        for few in self._turns.over(list(held.granted.items())):
            bookings += [booking("request", key, ns, row, t, did.get(t)) for t, ns in few if ns]
            await self._turns.pause()
        return bookings + await self._remainder.book(held)

    def _key(self, window: int) -> RowKey:
        return RowKey(self.backend.name, self.replica, self.backend.gpus, window)

    async def _forget(self) -> None:
        """Drop tickets and rows nothing can claim on any more."""
        opened = self.bounds(self._next)[0]
        kept, tickets, seen = [], self._tickets, len(self._tickets)
        for few in self._turns.over(tickets):
            kept += [t for t in few if t.ended is None or t.ended >= opened]
            await self._turns.pause()
        self._tickets = kept + tickets[seen:]  # and those that began meanwhile
        await self._turns.drop(tickets)
        waiting = [*self._tickets[:1], *self._late.ended]
        oldest = min((self.window(ticket.begun) for ticket in waiting), default=self._next)
        first = min(oldest - 1, self._held[0].key.window if self._held else oldest)
        first = max(first, self._next - self._rules.correctable)
        self._late.forget(first)
