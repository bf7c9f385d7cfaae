"""What is known late of windows booked before: little is left to put right, and what is given back finds its owner."""

from collections import Counter

import pytest

from adapters.chat import TokenUsage
from gateway.fleet.engines.reading import EngineReading, Reading
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.facts import SECOND, Coefficients, GpuBackend
from gateway.metering.gpu.rules import Rules
from gateway.metering.gpu.shared_rows import SharedRows
from gateway.metering.gpu.ticket import Ticket
from tests.pools import FakePools, KeptPools

MS = 1_000_000
COSTS = Coefficients(step=0.001, prompt=0.0005, context=0.0, attention=0.0)
PATIENT = Rules(patience_ns=2 * SECOND, settled_after=0.0)


def accounts(**options) -> GpuAccounts:
    backend = GpuBackend("gpu", ("r0",), 1, None, COSTS)
    return GpuAccounts([backend], now_ns=0, wall_ns=0, **{"rules": PATIENT, **options})


def running(books: GpuAccounts, seconds: range, computed: float, prompts: float) -> None:
    """An engine that is busy all the time; what it computed came in second 1."""
    for second in seconds:
        done = float(second > 1)
        engine = EngineReading(
            "0", 1, 0, 0.1, 1e5, 10.0 * second, computed * done, 20.0 * second, prompts * done, 2 * done
        )
        books.observe("gpu", "r0", Reading(second * SECOND, second * SECOND, (engine,)))


def asked(books: GpuAccounts, owner: str, prompt: int, cohort: str = "agents") -> Ticket:
    """A stream whose first token comes in window 1, and others after it."""
    book = books.at("gpu", "r0")
    ticket = book.begin(owner, SECOND, prompt_tokens=prompt, cohort=cohort, streamed=True)
    for second in range(1, 9):
        ticket.tokens(second * SECOND + 500 * MS, 10)
    return ticket


def usage(prompt: int, cached: int, output: int = 80) -> TokenUsage:
    return TokenUsage(prompt - cached, cached, 0, output, source="reported")


@pytest.mark.parametrize("computed", [100, 400, 1_000])
def test_what_of_a_prompt_was_cached_shows_in_the_engines_counters_before_the_answer_ends(computed):
    books = accounts()
    for hit in (960, 0, 960, 960):  # such prompts may be cached or not
        books.at("gpu", "r0").begin("earlier", 0, cohort="agents").end(10, usage(1_000, hit, 0))
    ticket = asked(books, "a", 1_000)
    running(books, range(9), computed, 1_000)
    books.close_windows(8 * SECOND)
    assert ticket.ended is None
    assert (ticket.computed, ticket.cached) == (computed, 1_000 - computed)


def test_what_one_gives_back_goes_to_who_lacked_it():
    books = accounts()
    first, second = asked(books, "first", 1_000), asked(books, "second", 1_000)
    running(books, range(10), 2_000, 2_000)
    early = Counter(b.owner for b in books.close_windows(9 * SECOND) if b.window == 1)
    assert early["first"]
    assert early["second"]
    second.end(9 * SECOND + 1, usage(1_000, 0))
    assert not [b for b in books.close_windows(9 * SECOND + 2) if b.correction and b.window == 1]
    first.end(9 * SECOND + 3, usage(1_000, 600))
    late: Counter[object] = Counter()
    for booking in books.close_windows(9 * SECOND + 4):
        late[booking.owner] += booking.gpu_ns if booking.correction and booking.window == 1 else 0
    assert late["first"] < 0 == late[None] + late["first"] + late["second"]


async def test_gateways_whose_answers_go_on_and_on_hear_each_other_before_a_row_is_posted():
    kept = KeptPools()
    rules = Rules(patience_ns=2 * SECOND, company_ns=SECOND)
    pair = [accounts(gateway=name, rows=SharedRows(FakePools(kept), name), rules=rules) for name in "ab"]
    tickets = [asked(books, "x", 1_000) for books in pair]
    rows = {}
    for second in range(1, 12):
        for books in pair:
            running(books, range(second, second + 1), 2_000, 2_000)
            for booking in await books.close(second * SECOND + MS):
                rows[booking.window] = booking.row
    assert all(ticket.ended is None for ticket in tickets)
    row = rows[1]
    work = row.coefficients.prompt * 2_000 + row.coefficients.step * 10
    assert row.scale == pytest.approx(row.paid_ns / SECOND / work, rel=0.01)
    assert [ticket.computed for ticket in tickets] == [1_000, 1_000]
