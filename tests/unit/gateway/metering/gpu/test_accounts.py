"""The identity: whatever happens, each provisioned GPU-nanosecond is booked to one use, once."""

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.chat import TokenUsage
from gateway.fleet.engines.reading import EngineReading, Reading
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.facts import SECOND, Booking, GpuBackend
from gateway.metering.gpu.hardware import NEUTRAL
from gateway.metering.gpu.ticket import Ticket

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
    ticket = books.begin("gpu-a", "r0", "a-1", began)
    for i in range(10):
        ticket.tokens(began + 100 * MS + i * 50 * MS, 1)
    shown = ticket.end(ended, TokenUsage(input=20, output=10, source="reported"))
    done = page(ended + 20 * MS, steps=10, computed=20, generated=10)
    watch(books, START + 8 * SECOND, done)
    bookings = books.finish(START + 8 * SECOND)
    assert by_kind(bookings)["request"] >= 0.9 * 600 * MS
    assert {b.owner for b in bookings if b.kind == "request"} == {"a-1"}
    assert shown.gpu_ns == 600 * MS


def test_a_backend_without_gpus_books_nothing():
    books = accounts()
    ticket = books.begin("openai", "https://api", "a-1", START)
    ticket.tokens(START + 1, 1)
    assert ticket.end(START + 2, TokenUsage(input=5, output=1, source="reported")).gpu_ns == 0


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
        while self._planned:
            self.now, _, do = heapq.heappop(self._planned)
            do(self.now)


def play_attempt(play: Play, books: GpuAccounts, number: int, plan: dict) -> None:
    def begin(now: int) -> None:
        ticket = books.begin("gpu-a", "r0", number, now)
        for after, count in plan["tokens"]:
            play.at(now + after * MS, lambda at, count=count: ticket.tokens(at, count))
        if plan["lasts"] is not None:
            play.at(now + plan["lasts"] * MS, lambda at: end(ticket, at))

    def end(ticket: Ticket, now: int) -> None:
        assert ticket.end(now, plan["usage"], engine_metrics=plan["metrics"]).gpu_ns >= 0

    play.at(START + plan["begun"] * MS, begin)


def play_scrapes(play: Play, books: GpuAccounts, scrapes: list[dict], *, resets: bool) -> None:
    counters = {"steps": 0, "computed": 0, "generated": 0}
    for one in sorted(scrapes, key=lambda s: s["at"]):
        for name in counters:
            counters[name] = one[name] if resets else counters[name] + one[name]
        reading = page(START + one["at"] * MS, running=one["running"], **counters)
        play.at(reading.asked_ns, lambda _, reading=reading: books.observe("gpu-a", "r0", reading))


@settings(max_examples=150, deadline=None)
@given(
    attempts=st.lists(attempt, max_size=8),
    scrapes=st.lists(scrape, max_size=30),
    closes=st.lists(st.integers(0, 60_000), max_size=10),
    gpus=st.integers(1, 8),
    resets=st.booleans(),
)
def test_every_nanosecond_is_booked_once(attempts, scrapes, closes, gpus, resets):
    books, play = accounts(gpus), Play()
    booked: list[Booking] = []
    for number, plan in enumerate(attempts):
        play_attempt(play, books, number, plan)
    play_scrapes(play, books, scrapes, resets=resets)
    for moment in closes:
        play.at(START + moment * MS, lambda now: booked.extend(books.close_windows(now)))
    play.run()
    end = max(START + 20 * SECOND, play.now)
    booked += books.finish(end)
    booked += books.close_windows(end)

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
