"""Windows are closed in slices while requests go on, and each is billed by the prices it was posted at."""

import asyncio
import itertools
from collections.abc import Iterator
from functools import partial

import pytest

from adapters.chat import TokenUsage
from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.facts import SECOND, Booking, Row, RowKey
from gateway.metering.gpu.learning import GROUP
from gateway.metering.gpu.rows import Drawn, InProcessRows
from gateway.metering.gpu.rules import Rules
from gateway.metering.gpu.turns import Turns
from tests.unit.gateway.metering.gpu.books import MS, START, accounts, by_kind, others_run, page, watch


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
    paid = sum(b.gpu_ns for b in booked if b.owner == "late" and b.window == window)
    assert paid == pytest.approx(row.prices.due(ticket.pays_for(window, row)), abs=1)
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
            line = booking.row.prices.due(ticket.pays_for(booking.window, booking.row))
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
