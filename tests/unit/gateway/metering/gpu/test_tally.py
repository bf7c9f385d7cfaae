"""What own requests did in a window, added up one by one."""

import pytest

from adapters.chat import TokenUsage
from gateway.metering.gpu.book import ReplicaBook
from gateway.metering.gpu.facts import SECOND, Coefficients, GpuBackend
from gateway.metering.gpu.learning import Learner
from gateway.metering.gpu.rows import InProcessRows
from gateway.metering.gpu.rules import Rules
from gateway.metering.gpu.tally import Tally

MS = 1_000_000
COSTS = Coefficients(step=0.01, prompt=0.0001, context=0.0, attention=0.0)


@pytest.fixture
def book() -> ReplicaBook:
    backend = GpuBackend("gpu-a", ("r0",), 1, None, COSTS)
    return ReplicaBook(backend, "r0", "me", InProcessRows(), Rules(), Learner(COSTS), 0, 0)


def usage(prompt: int, output: int, cached: int = 0) -> TokenUsage:
    return TokenUsage(prompt - cached, cached, 0, output, source="reported")


def tallied(*tickets, window: int = 0) -> Tally:
    begin, end = window * SECOND, (window + 1) * SECOND
    tally = Tally(window, (begin, end), begin, end)
    for ticket in tickets:
        tally.add(ticket)
    return tally


def test_prompts_count_where_their_first_token_came_and_output_where_it_came(book):
    ticket = book.begin("a", 0, cohort="chat", streamed=True)
    ticket.tokens(500 * MS, 2)
    ticket.tokens(1_500 * MS, 3)
    ticket.end(1_600 * MS, usage(100, 5, cached=40))
    first, second = tallied(ticket).counted(), tallied(ticket, window=1).counted()
    assert (first.computed, first.prompts, first.generated) == (60, 100, 2)
    assert (second.computed, second.prompts, second.generated) == (0, 0, 3)
    assert first.looked_back == 60 * (40 + 30)
    assert second.context == 3 * (100 + 2 + 1.5)
    assert tallied(ticket).cohorts == {"chat": 100}


def test_times_at_the_engine_are_merged_and_requests_at_once_share_steps(book):
    both = [book.begin(name, 0, streamed=True) for name in "ab"]
    for ticket in both:
        ticket.tokens(100 * MS, 1)
        ticket.tokens(300 * MS, 9)
        ticket.end(400 * MS, usage(5, 10))
    later = book.begin("c", 600 * MS, streamed=True)
    tally = tallied(*both, later)
    assert tally.spans == [(0, 400 * MS), (600 * MS, SECOND)]
    assert tally.counted().steps == pytest.approx(20 / (1200 / 800))
    assert not tally.over
    assert tallied(*both).over


def test_who_was_elsewhere_or_did_nothing_is_left_out(book):
    early, late, idle = (book.begin(name, at) for name, at in (("a", 0), ("b", 3 * SECOND), ("c", SECOND)))
    early.end(500 * MS, usage(5, 5))
    idle.end(SECOND + 1, TokenUsage())
    tally = tallied(early, late, idle, window=1)
    assert (tally.present, tally.did, tally.spans) == ({}, [], [])


def test_what_was_computed_for_a_client_that_left_stands_apart(book):
    ticket = book.begin("a", 0, prompt_tokens=50_000)
    ticket.end(500 * MS, TokenUsage(input=50_000, source="estimated"))
    tally = tallied(ticket)
    assert tally.abandoned.computed == 5_000
    assert tally.counted().computed == 0
    assert tally.cohorts == {}


def test_prompts_of_answers_that_go_on_are_in_doubt(book):
    going_on = book.begin("a", 0, cohort="chat", prompt_tokens=1_000, streamed=True)
    over = book.begin("b", 0, cohort="chat", prompt_tokens=500, streamed=True)
    for ticket in (going_on, over):
        ticket.tokens(500 * MS, 2)
    over.end(700 * MS, usage(500, 2))
    tally = tallied(going_on, over)
    assert tally.doubtful == [going_on]
    assert tally.doubt.computed == 1_000
    assert tally.doubt.variance > 0
    assert tally.unsure == pytest.approx(100)
