"""The identity: whatever happens, each provisioned GPU-nanosecond is booked to one use, once."""

import asyncio
import heapq
import itertools
import types
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.chat import TokenUsage
from gateway.fleet.engines.reading import EngineReading, Reading
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.facts import SECOND, Booking, GpuBackend, Row, RowKey
from gateway.metering.gpu.hardware import NEUTRAL
from gateway.metering.gpu.learning import GROUP
from gateway.metering.gpu.rows import Drawn, InProcessRows
from gateway.metering.gpu.rules import Rules
from gateway.metering.gpu.ticket import Ticket
from gateway.metering.gpu.turns import Turns

MS = 1_000_000
START = 5_000 * SECOND + 123
WALL = 1_790_000_000 * SECOND + 456_000_123


def accounts(gpus: int = 1, **options) -> GpuAccounts:
    backend = GpuBackend("gpu-a", ("r0",), gpus, Decimal("2.10"), NEUTRAL)
    return GpuAccounts([backend], now_ns=START, wall_ns=WALL, **options)


def page(
    at: int, *, running: float = 0, steps: float = 0, computed: float = 0, generated: float = 0
) -> Reading:
    engine = EngineReading(
        "0",
        running=running,
        steps=steps,
        computed=computed,
        generated=generated,
        prompts=computed,
        kv_usage=0.1,
        kv_capacity=1e5,
    )
    return Reading(at, at, (engine,))


def watch(books: GpuAccounts, until: int, *pages: Reading, every: int = 100 * MS) -> None:
    """Idle pages all the time, but for those given."""
    given_at = {reading.asked_ns: reading for reading in pages}
    last = page(START)
    for at in sorted({*range(START, until, every), *given_at}):
        last = given_at.get(at) or Reading(at, at, last.engines)
        books.observe("gpu-a", "r0", last)


def by_kind(bookings: Iterable[Booking]) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for booking in bookings:
        sums[booking.kind] += booking.gpu_ns
    return dict(sums)


def test_an_idle_engine_is_idle_to_the_nanosecond():
    books = accounts(gpus=4)
    watch(books, START + 10 * SECOND)
    sums = by_kind(books.finish(START + 8 * SECOND))
    assert sums == {"idle": 4 * 8 * SECOND}
    assert books.provisioned("gpu-a", "r0") == 4 * 8 * SECOND


def test_time_nobody_watches_is_unobserved():
    books = accounts()
    assert by_kind(books.finish(START + 7 * SECOND)) == {"unobserved": 7 * SECOND}


def test_a_lone_request_pays_for_as_long_as_it_took():
    books = accounts()
    began, ended = START + 2 * SECOND, START + 2 * SECOND + 600 * MS
    ticket = books.at("gpu-a", "r0").begin("a-1", began)
    for i in range(10):
        ticket.tokens(began + 100 * MS + i * 50 * MS, 1)
    shown = ticket.end(ended, TokenUsage(input=20, output=10, source="reported"))
    done = page(ended + 20 * MS, steps=10, computed=20, generated=10)
    watch(books, START + 8 * SECOND, done)
    bookings = books.finish(START + 8 * SECOND)
    assert by_kind(bookings)["request"] >= 0.9 * 600 * MS
    assert {b.owner for b in bookings if b.kind == "request"} == {"a-1"}
    assert shown == 600 * MS


def test_a_backend_without_gpus_has_no_book():
    books = accounts()
    assert books.at("openai", "https://api") is None
    assert books.at("gpu-a", "r0") is not None


def test_what_others_do_is_foreign():
    books = accounts()
    for second in range(12):
        busy = 3 <= second < 7
        at = START + second * SECOND
        books.observe(
            "gpu-a", "r0", page(at, running=float(busy), steps=100 * second, generated=300 * second)
        )
    sums = by_kind(books.finish(START + 11 * SECOND))
    assert sums["foreign"] == pytest.approx(4 * SECOND, abs=SECOND)
    assert "request" not in sums


def test_a_gauge_that_is_stuck_does_not_make_an_engine_busy_for_ever():
    books = accounts()
    for tenth in range(1200):
        books.observe("gpu-a", "r0", page(START + tenth * 100 * MS, running=1, steps=7, generated=7))
    sums = by_kind(books.finish(START + 119 * SECOND))
    assert sums["foreign"] <= 12 * SECOND
    assert sums["idle"] >= 105 * SECOND


def test_a_restarted_engine_is_not_billed_backwards():
    books = accounts()
    for second in range(6):
        books.observe("gpu-a", "r0", page(START + second * SECOND, steps=1000 + second, generated=5000))
    for second in range(6, 12):
        books.observe("gpu-a", "r0", page(START + second * SECOND, steps=second, generated=second))
    ticket = books.at("gpu-a", "r0").begin("a-1", START + 5 * SECOND)
    ticket.tokens(START + 5 * SECOND + 300 * MS, 1)
    ticket.end(START + 6 * SECOND, TokenUsage(input=50, output=1, source="reported"))
    bookings = books.finish(START + 11 * SECOND)
    assert by_kind(bookings)["request"] >= 0.9 * SECOND


def test_a_long_prefill_waits_and_is_paid_when_it_shows():
    books = accounts()
    ticket = books.at("gpu-a", "r0").begin("a-1", START, prompt_tokens=100_000, streamed=True)
    for second in range(1, 6):
        at = START + second * SECOND
        books.observe("gpu-a", "r0", page(at, running=1))
    early = books.close_windows(START + 5 * SECOND)
    assert by_kind(early) == {"waiting": by_kind(early)["waiting"]}
    ticket.tokens(START + 5 * SECOND + 500 * MS, 1)
    ticket.end(START + 5 * SECOND + 500 * MS, TokenUsage(input=100_000, output=1, source="reported"))
    done = page(START + 5 * SECOND + 501 * MS, steps=1, computed=100_000, generated=1)
    books.observe("gpu-a", "r0", done)
    for second in range(6, 9):
        books.observe("gpu-a", "r0", Reading(START + second * SECOND, START + second * SECOND, done.engines))
    sums = by_kind([*early, *books.finish(START + 8 * SECOND)])
    assert sums["waiting"] == 0
    assert sums["request"] >= 0.98 * 5.5 * SECOND


def test_late_knowledge_is_a_correction_of_the_window_it_is_about():
    books = accounts(rules=Rules(patience_ns=2 * SECOND))
    ticket = books.at("gpu-a", "r0").begin("a-1", START + SECOND)
    for second in range(10):
        at = START + second * SECOND
        books.observe("gpu-a", "r0", page(at, running=1, steps=100 * second, generated=100 * second))
    early = books.close_windows(START + 8 * SECOND)
    assert by_kind(early)["foreign"] > 0
    ticket.end(START + 9 * SECOND, TokenUsage(input=400, output=800, source="reported"))
    late = [booking for booking in books.close_windows(START + 12 * SECOND) if booking.correction]
    assert {(b.kind, b.owner) for b in late} == {("request", "a-1"), ("foreign", None)}
    assert sum(b.gpu_ns for b in late) == 0
    assert {b.window for b in late} <= {b.window for b in early}


def test_two_engines_on_a_page_are_busy_each_for_itself():
    books = accounts(gpus=2)
    for tenth in range(100):
        at = START + tenth * 100 * MS
        both = (EngineReading("0", running=1, steps=tenth, generated=tenth), EngineReading("1"))
        books.observe("gpu-a", "r0", Reading(at, at, both))
    sums = by_kind(books.finish(START + 9 * SECOND))
    assert sums["foreign"] == pytest.approx(9 * SECOND, rel=0.02)
    assert sums["idle"] == pytest.approx(9 * SECOND, rel=0.02)


def test_a_replica_that_cannot_be_scraped_still_bills_what_went_there():
    books = accounts()
    ticket = books.at("gpu-a", "r0").begin("a-1", START + SECOND)
    for tenth in range(20):
        ticket.tokens(START + SECOND + tenth * 100 * MS, 1)
    ticket.end(START + 3 * SECOND, TokenUsage(input=30, output=20, source="reported"))
    sums = by_kind(books.finish(START + 6 * SECOND))
    assert sums["request"] == pytest.approx(2 * SECOND, rel=0.02)
    assert sums["unobserved"] == 4 * SECOND


def test_configuration_changes_keep_the_sums():
    books = accounts(gpus=1)
    two = GpuBackend("gpu-a", ("r0",), 2, None, NEUTRAL)
    watch(books, START + 4 * SECOND)
    change = START + 3 * SECOND + 777
    ticket = books.at("gpu-a", "r0").begin("a-1", change - SECOND)
    books.apply([two], now_ns=change, wall_ns=WALL + change - START)
    booked = [*books.close_windows(change)]
    ticket.end(change + SECOND, TokenUsage(input=10, output=5, source="reported"))
    booked += books.finish(START + 6 * SECOND)
    expected = (change - START) + 2 * (START + 6 * SECOND - change)
    assert sum(by_kind(booked).values()) == books.provisioned("gpu-a", "r0") == expected
    books.apply([], now_ns=START + 6 * SECOND, wall_ns=WALL + 6 * SECOND)
    assert books.close_windows(START + 9 * SECOND) == []
    assert books.provisioned("gpu-a", "r0") == expected


def test_a_new_rate_changes_no_books():
    books = accounts()
    cheaper = GpuBackend("gpu-a", ("r0",), 1, Decimal("1.00"), NEUTRAL)
    books.apply([cheaper], now_ns=START + SECOND, wall_ns=WALL + SECOND)
    assert by_kind(books.finish(START + 2 * SECOND)) == {"unobserved": 2 * SECOND}
    assert cheaper.usd(3_600 * SECOND) == Decimal("1.00")


async def test_windows_are_closed_in_slices_between_which_others_run():
    books = accounts(turns=Turns(partial(asyncio.sleep, 0), slice_ns=0, few=1))
    for number in range(30):
        ticket = books.at("gpu-a", "r0").begin(number, START)
        ticket.end(START + SECOND, TokenUsage(output=5, source="reported"))
    ran = 0

    async def other() -> None:
        nonlocal ran
        while True:
            ran += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    sums = by_kind(await books.close(START + 60 * SECOND, final=True))
    task.cancel()
    assert sums == {"request": SECOND, "unobserved": 59 * SECOND}
    assert ran >= 3 * 30  # measured, billed, booked


async def test_what_takes_pauses_is_not_closed_at_once():
    books = accounts(turns=Turns(partial(asyncio.sleep, 0), slice_ns=0, few=1))
    books.at("gpu-a", "r0").begin("a-1", START).end(START + 1, TokenUsage(output=5, source="reported"))
    with pytest.raises(RuntimeError, match="await close"):
        books.finish(START + SECOND)


moments = st.integers(0, 12_000)
attempt = st.fixed_dictionaries(
    {
        "begun": moments,
        "tokens": st.lists(st.tuples(st.integers(0, 6_000), st.integers(1, 9)), max_size=12),
        "lasts": st.integers(0, 8_000) | st.none(),
        "usage": st.builds(
            TokenUsage,
            input=st.integers(0, 30_000),
            cache_read=st.integers(0, 30_000),
            output=st.integers(0, 500),
            source=st.sampled_from(["reported", "estimated", "unknown"]),
        ),
        "metrics": st.none() | st.fixed_dictionaries({"generation_time_ms": st.floats(0, 1e5)}),
    }
)
scrape = st.fixed_dictionaries(
    {
        "at": moments,
        "running": st.sampled_from([0, 0, 1, 7]),
        "steps": st.integers(0, 400),
        "computed": st.integers(0, 50_000),
        "generated": st.integers(0, 4_000),
    }
)


class Play:
    """Runs things to do in the order of their times; what is done may plan more."""

    def __init__(self) -> None:
        self._planned: list[tuple[int, int, Callable[[int], None]]] = []
        self._order = itertools.count()
        self.now = START

    def at(self, moment: int, do: Callable[[int], None]) -> None:
        heapq.heappush(self._planned, (moment, next(self._order), do))

    def run(self) -> None:
        while self.step():
            pass

    def step(self, until: float = float("inf")) -> bool:
        if not self._planned or self._planned[0][0] > until:
            return False
        self.now, _, do = heapq.heappop(self._planned)
        do(self.now)
        return True


def play_attempt(play: Play, books: GpuAccounts, number: int, plan: dict) -> None:
    def begin(now: int) -> None:
        ticket = books.at("gpu-a", "r0").begin(number, now)
        for after, count in plan["tokens"]:
            play.at(now + after * MS, lambda at, count=count: ticket.tokens(at, count))
        if plan["lasts"] is not None:
            play.at(now + plan["lasts"] * MS, lambda at: end(ticket, at))

    def end(ticket: Ticket, now: int) -> None:
        assert ticket.end(now, plan["usage"], engine_metrics=plan["metrics"]) >= 0

    play.at(START + plan["begun"] * MS, begin)


def play_scrapes(play: Play, books: GpuAccounts, scrapes: list[dict], *, resets: bool) -> None:
    counters = {"steps": 0, "computed": 0, "generated": 0}
    for one in sorted(scrapes, key=lambda s: s["at"]):
        for name in counters:
            counters[name] = one[name] if resets else counters[name] + one[name]
        reading = page(START + one["at"] * MS, running=one["running"], **counters)
        play.at(reading.asked_ns, lambda _, reading=reading: books.observe("gpu-a", "r0", reading))


@types.coroutine
def others_run() -> Iterator[None]:
    yield


class Closing:
    """Closes windows while `play` goes on in the pauses, for up to `lasts_ns`."""

    def __init__(self, books: GpuAccounts, play: Play, lasts_ns: int) -> None:
        self.booked: list[Booking] = []
        self._books, self._play, self._lasts = books, play, lasts_ns
        self._under_way = False

    def close(self, now: int, *, final: bool = False) -> None:
        if self._under_way:
            return
        self._under_way = True
        closing = self._books.close(now, final=final)
        while True:
            try:
                closing.send(None)
            except StopIteration as done:
                self.booked += done.value
                break
            self._play.step(now + self._lasts)
        self._under_way = False


@settings(max_examples=200, deadline=None)
@given(
    attempts=st.lists(attempt, max_size=8),
    scrapes=st.lists(scrape, max_size=30),
    closes=st.lists(st.integers(0, 60_000), max_size=10),
    gpus=st.integers(1, 8),
    resets=st.booleans(),
    lasts=st.sampled_from([0, 300, 3_000]),
)
def test_every_nanosecond_is_booked_once(attempts, scrapes, closes, gpus, resets, lasts):
    books, play = accounts(gpus, turns=Turns(others_run, slice_ns=0, few=1)), Play()
    closing = Closing(books, play, lasts * MS)
    for number, plan in enumerate(attempts):
        play_attempt(play, books, number, plan)
    play_scrapes(play, books, scrapes, resets=resets)
    for moment in closes:
        play.at(START + moment * MS, closing.close)
    play.run()
    end = max(START + 20 * SECOND, play.now)
    closing.close(end, final=True)
    closing.close(end)

    booked = closing.booked
    sums = by_kind(booked)
    assert sum(sums.values()) == books.provisioned("gpu-a", "r0") == gpus * (end - START)
    assert all(ns >= 0 for ns in sums.values())
    windows, uses, owners = Counter(), Counter(), Counter()
    for booking in booked:
        windows[booking.window] += booking.gpu_ns
        uses[booking.window, booking.kind] += booking.gpu_ns
        owners[booking.owner] += booking.gpu_ns
    assert set(list(windows.values())[1:-1]) <= {gpus * SECOND}
    assert all(ns >= 0 for (_, kind), ns in uses.items() if kind != "waiting")
    assert all(ns >= 0 for ns in owners.values())


@pytest.mark.parametrize("pauses", [*range(0, 24, 2), 10_000])
def test_an_answer_that_ends_while_its_window_is_closed_pays_by_the_posted_prices(pauses):
    books = accounts(turns=Turns(others_run, slice_ns=0, few=1), rules=Rules(patience_ns=SECOND))
    others = [books.at("gpu-a", "r0").begin(number, START) for number in range(3)]
    for number, other in enumerate(others):
        other.tokens(START + (number + 1) * 100 * MS, 5)
        other.end(START + 500 * MS, TokenUsage(input=40, output=5, source="reported"))
    ticket = books.at("gpu-a", "r0").begin("late", START, prompt_tokens=90, streamed=True)
    ticket.tokens(START + 300 * MS, 2)
    watch(books, START + 6 * SECOND, page(START + 600 * MS, running=1, steps=30, computed=900, generated=50))
    usage = TokenUsage(input=10, cache_read=80, output=2, source="reported")
    window = ticket.windows[0]

    def close(number: int, *, final: bool = False) -> Iterator[Booking]:
        closing = books.close(START + 5 * SECOND, final=final)
        for passed in itertools.count():
            if passed == number:
                ticket.end(START + 5 * SECOND, usage)
            try:
                closing.send(None)
            except StopIteration as done:
                yield from done.value
                return

    booked = [*close(pauses)]
    ticket.end(START + 5 * SECOND, usage)
    booked += close(-1, final=True)
    row = next(b.row for b in booked if b.window == window)
    assert ticket.booked[window] == pytest.approx(row.prices.due(*ticket.pays_for(window, row)), abs=1)
    assert {b.owner for b in booked if b.correction} >= ({"late"} if pauses == 10_000 else set())
    assert sum(by_kind(booked).values()) == books.provisioned("gpu-a", "r0") == 5 * SECOND


def test_bookings_carry_the_prices_they_were_made_at():
    books = accounts()
    ticket = books.at("gpu-a", "r0").begin("a-1", START + SECOND)
    ticket.tokens(START + SECOND + 100 * MS, 5)
    ticket.end(START + SECOND + 200 * MS, TokenUsage(input=100, output=5, source="reported"))
    watch(books, START + 4 * SECOND, page(START + SECOND + 210 * MS, steps=5, computed=100, generated=5))
    for booking in books.finish(START + 4 * SECOND):
        assert booking.row is not None
        if booking.kind == "request":
            line = booking.row.prices.due(*ticket.pays_for(booking.window, booking.row))
            assert booking.gpu_ns == pytest.approx(line, rel=0.1)


def test_a_window_is_priced_by_what_was_known_before_it_taught_anything():
    books, rows = accounts(), []
    for second in range(5 * GROUP):
        at = START + second * SECOND
        books.observe("gpu-a", "r0", page(at, running=1, steps=30 * second, generated=90 * second))
        rows += [b.row for b in books.close_windows(at) if b.kind == "foreign"]
    done = Counted(steps=30, generated=90, context=30 * 0.1 * 1e5)
    assert len({row.coefficients for row in rows}) > 2
    for row in rows[1:-1]:  # the first and the last are not whole
        assert row.scale * done.work(row.coefficients) == pytest.approx(row.paid_ns / SECOND, rel=1e-6)


class SeenRows(InProcessRows):
    """How many windows before the last one posted each draw was."""

    def __init__(self) -> None:
        super().__init__()
        self._posted = 0
        self.back: set[int] = set()

    async def publish(self, key: RowKey, row: Row, pool_ns: int) -> Row:
        self._posted = key.window
        return await super().publish(key, row, pool_ns)

    async def draw(self, key: RowKey, gpu_ns: int) -> Drawn:
        self.back.add(self._posted - key.window)
        return await super().draw(key, gpu_ns)


def test_however_many_windows_stay_open_claims_reach_no_further_than_their_neighbours():
    rows = SeenRows()
    books = accounts(rows=rows, rules=Rules(linger=8))
    ticket = books.at("gpu-a", "r0").begin("a-1", START, prompt_tokens=10, streamed=True)
    for second in range(20):
        at = START + second * SECOND
        books.observe("gpu-a", "r0", page(at, running=1, steps=30 * second, generated=30 * second))
        ticket.tokens(at + 500 * MS, 90)  # more than the engine counted: a window's time does not reach
        books.close_windows(at)
    books.close_windows(START + 60 * SECOND)
    assert rows.back == {0, 1, 2}


def test_it_is_known_whether_own_attempts_are_under_way():
    books = accounts()
    assert not books.occupied("gpu-a", "r0")
    ticket = books.at("gpu-a", "r0").begin("a-1", START)
    assert books.occupied("gpu-a", "r0")
    ticket.end(START + 1, TokenUsage())
    assert not books.occupied("gpu-a", "r0")
    assert not books.occupied("nowhere", "r0")


def test_what_was_learned_is_handed_to_the_next_process():
    first = accounts()
    known = first.learned()
    assert list(known) == ["gpu-a"]
    assert accounts(learned=known).learned() == known


def test_a_lone_answer_that_stalled_is_not_foreign():
    books = accounts()
    ticket = books.at("gpu-a", "r0").begin("a-1", START)
    for tenth in range(60):
        at = START + tenth * 100 * MS
        books.observe(
            "gpu-a", "r0", page(at, running=float(tenth < 50), steps=min(tenth, 3), generated=min(tenth, 3))
        )
    ticket.end(START + 5 * SECOND, TokenUsage(output=3, source="reported"))
    sums = by_kind(books.finish(START + 5 * SECOND + 500 * MS))
    assert sums["request"] >= 0.99 * 5 * SECOND


def test_a_page_that_comes_late_leaves_nothing_of_lone_answers_to_others():
    books = accounts()
    book = books.at("gpu-a", "r0")
    first = book.bounds(book.window(START) + 1)[0] + 875 * MS
    spans = [(first + i * SECOND, first + i * SECOND + 700 * MS) for i in range(3)]
    silent = range(spans[2][0] - 600 * MS, spans[2][1] + 100 * MS)  # the engine's server answers no page

    def told(at: int) -> Reading:
        written = sum(min(100, max(0, (at - begin) // (7 * MS))) for begin, _ in spans)
        read = 20 * sum(begin < at for begin, _ in spans)
        running = any(begin <= at < end for begin, end in spans)
        return page(at, running=float(running), steps=written, computed=read, generated=written)

    booked: list[Booking] = []
    tickets: list[Ticket] = []
    for at in range(START, spans[2][1] + 8 * SECOND, MS):
        if (at - START) % (200 * MS) == 0 and at not in silent:
            books.observe("gpu-a", "r0", told(at))
            booked += books.close_windows(at)
        for begin, end in spans:
            if 0 <= at - begin < MS:
                tickets.append(book.begin("a-1", at, prompt_tokens=20, streamed=True))
            elif begin < at <= end and (at - begin) // MS % 7 == 0:
                tickets[-1].tokens(at, 1)
            if 0 <= at - end < MS:
                tickets[-1].end(at, TokenUsage(input=20, output=100, source="reported"))
    sums = by_kind(booked + list(books.finish(spans[2][1] + 9 * SECOND)))
    assert sums["request"] == pytest.approx(3 * 700 * MS, rel=0.01)
    assert sums.get("foreign", 0) < 0.002 * sums["request"]
