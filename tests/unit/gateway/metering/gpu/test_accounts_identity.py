"""The identity: whatever happens, each provisioned GPU-nanosecond is booked to one use, once."""

import heapq
import itertools
from collections import Counter
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.chat import TokenUsage
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.facts import SECOND, Booking
from gateway.metering.gpu.ticket import Ticket
from gateway.metering.gpu.turns import Turns
from tests.unit.gateway.metering.gpu.books import MS, START, accounts, by_kind, others_run, page

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
