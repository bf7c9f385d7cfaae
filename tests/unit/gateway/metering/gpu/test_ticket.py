"""What a ticket remembers of an attempt, and how an unstreamed answer's tokens are laid out in time."""

import pytest

from adapters.chat import TokenUsage
from gateway.metering.gpu.book import ReplicaBook
from gateway.metering.gpu.crowd import Crowd, shares
from gateway.metering.gpu.facts import NOTHING, SECOND, WRITTEN, Coefficients, GpuBackend, Row
from gateway.metering.gpu.learning import Learner
from gateway.metering.gpu.rows import InProcessRows
from gateway.metering.gpu.rules import Rules
from gateway.metering.gpu.ticket import Silence, Ticket

MS = 1_000_000
COSTS = Coefficients(step=0.01, prompt=0.0001, context=0.0, attention=0.0)


@pytest.fixture
def book() -> ReplicaBook:
    backend = GpuBackend("gpu-a", ("r0",), 1, None, COSTS)
    return ReplicaBook(backend, "r0", "me", InProcessRows(), Rules(), Learner(COSTS), 0, 0)


def begin(book: ReplicaBook, now_ns: int = 0, **options) -> Ticket:
    return book.begin("owner", now_ns, cohort="cohort", **{"streamed": True, **options})


def used(output: int, prompt: int = 0, cached: int = 0, source: str = "reported") -> TokenUsage:
    return TokenUsage(prompt - cached, cached, 0, output, source=source)


def test_tokens_are_counted_by_window(book):
    ticket = begin(book)
    for at in (900, 950, 1_100, 3_000):
        ticket.tokens(at * MS, 2)
    assert (ticket.windows, ticket.counts, ticket.befores) == ([0, 1, 3], [4, 2, 2], [0, 4, 6])
    assert ticket.first == 900 * MS
    ticket.read(100, 40)
    assert ticket.did(0) == (60, 60 * (40 + 30), 4, 4 * 102)
    assert ticket.did(3) == (0, 0, 2, 2 * 107)
    assert ticket.did(2) is None
    assert ticket.did(4) is None


def test_the_final_usage_puts_event_counts_right(book):
    ticket = begin(book)
    ticket.tokens(900 * MS, 1)
    ticket.tokens(1_100 * MS, 3)
    ticket.end(1_200 * MS, used(20))
    assert ticket.counts == [5, 15]
    assert ticket.befores == [0, 5]


def test_events_of_several_tokens_are_known_from_answers_that_ended(book):
    for _ in range(9):
        earlier = begin(book)
        for at in (100, 200):
            earlier.tokens(at * MS, 1)
        earlier.end(300 * MS, used(6))
    ticket = begin(book)
    ticket.tokens(400 * MS, 1)
    ticket.tokens(1_400 * MS, 2)
    assert ticket.did(0)[2] == pytest.approx(3)
    assert ticket.did(1)[2] == pytest.approx(6)
    ticket.end(1_500 * MS, used(3, source="estimated"))  # the client left: nobody counted but by events
    assert ticket.generated == 9


def test_prompts_are_estimated_as_earlier_estimates_turned_out(book):
    for _ in range(9):
        begin(book, prompt_tokens=100).end(SECOND, used(1, prompt=130))
    assert begin(book, prompt_tokens=1_000).computed == pytest.approx(1_300, abs=1)


def test_estimates_do_not_run_away_where_answers_end_long_after_others_began(book):
    for _ in range(60):
        together = [begin(book, prompt_tokens=100) for _ in range(30)]
        for ticket in together:
            ticket.end(SECOND, used(1, prompt=130))
    assert begin(book, prompt_tokens=1_000).computed == pytest.approx(1_300, abs=1)


def test_an_unstreamed_answer_is_spread_as_the_engine_says(book):
    ticket = begin(book, streamed=False)
    ticket.end(4_000 * MS, used(31), engine_metrics={"generation_time_ms": 3_000.0})
    assert ticket.first == 1_000 * MS
    assert ticket.windows == [1, 2, 3]
    assert ticket.counts == pytest.approx([31 / 3] * 3)


def test_an_unstreamed_answer_is_spread_by_its_share_of_the_work(book):
    ticket = begin(book, streamed=False)
    ticket.end(4_000 * MS, used(200, prompt=19_900))  # 1.99 + 0.01 s of prompt, 1.99 s of output
    assert ticket.first == pytest.approx(2_005 * MS, abs=5 * MS)
    assert sum(ticket.counts) == pytest.approx(200)


def test_a_stream_that_came_in_one_piece_is_spread_too(book):
    ticket = begin(book)
    ticket.tokens(2_500 * MS, 1)
    ticket.end(2_600 * MS, used(100))
    assert ticket.windows == [0, 1, 2]


def test_getting_there_and_back_is_not_the_engines_time(book):
    ticket = begin(book, 1_000 * MS)
    ticket.end(
        2_000 * MS,
        used(10),
        engine_metrics={"queue_time_ms": 100.0, "time_to_first_token_ms": 200.0, "generation_time_ms": 500.0},
    )
    assert ticket.reached == 1_200 * MS


def test_nonsense_from_the_engine_is_not_believed(book):
    ticket = begin(book, 1_000 * MS)
    ticket.end(
        2_000 * MS,
        used(10),
        engine_metrics={"queue_time_ms": 0.0, "time_to_first_token_ms": 9e9, "generation_time_ms": 9e9},
    )
    assert ticket.reached == 1_000 * MS
    assert ticket.first is not None


def test_an_attempt_that_brought_nothing_did_nothing(book):
    ticket = begin(book, prompt_tokens=500)
    assert ticket.end(1_000 * MS, TokenUsage(source="estimated")) == 0
    assert ticket.did_nothing


def test_a_client_that_left_before_the_first_token_owes_what_could_be_computed(book):
    ticket = begin(book, prompt_tokens=50_000)
    ticket.end(1_000 * MS, used(0, prompt=50_000, source="estimated"))
    assert ticket.abandoned
    assert ticket.computed == 10_000  # a second at 0.1 ms each


def test_ending_twice_changes_nothing(book):
    ticket = begin(book)
    ticket.end(SECOND, used(5, prompt=5))
    assert ticket.end(9 * SECOND, used(500, prompt=500)) == 0
    assert (ticket.ended, ticket.generated) == (SECOND, 5)


def test_alone_means_nobody_else_was_there_at_any_time(book):
    first = begin(book, 0)
    second = begin(book, 10)
    first.end(20, used(1))
    third = begin(book, 30)
    second.end(40, used(1))
    third.end(50, used(1))
    fourth = begin(book, 60)
    assert [t.alone for t in (first, second, third, fourth)] == [False, False, False, True]


def test_what_is_unclear_until_the_end(book):
    streamed, whole = begin(book), begin(book, streamed=False)
    assert not streamed.unclear(0)
    assert whole.unclear(0)
    streamed.tokens(100 * MS, 1)
    streamed.tokens(1_100 * MS, 1)
    assert streamed.unclear(0)
    assert not streamed.unclear(1)
    streamed.end(1_200 * MS, used(2))
    assert not streamed.unclear(0)


def test_silences_are_remembered_the_longest_of_a_window(book):
    ticket = begin(book, prompt_tokens=100)
    for at in (2_000, 2_100, 4_100, 4_150, 4_450):
        ticket.tokens(at * MS, 5)
    assert ticket.silences == {4: Silence(2_000 * MS, 2, 110)}


def test_what_is_computed_anew_is_paid_beside_the_rest(book):
    ticket = begin(book)
    for at in (900, 1_900):
        ticket.tokens(at * MS, 2)
    ticket.read(100, 40)
    ticket.anew = {1: 50.0}
    assert ticket.did(0) == (60, 60 * (40 + 30), 2, 2 * 101)
    assert ticket.did(1) == (50, 50 * 25, 2, 2 * 103)


def row(crowd: tuple[float, ...] = ()) -> Row:
    return Row("me", SECOND, SECOND, SECOND, 0, 0, 1.0, COSTS, 0.5, 1, crowd)


def test_tokens_pay_for_the_share_of_a_step_they_had(book):
    crowd = Crowd(0, SECOND)
    crowd.add(0, SECOND)
    crowd.add(500 * MS, SECOND)
    alone, beside = begin(book), begin(book)
    for ticket, first, last in ((alone, 100, 400), (beside, 600, 900)):
        ticket.tokens(first * MS, 1)
        ticket.tokens(last * MS - 1, 9)
        ticket.end(last * MS, used(10, prompt=50))
    posted = row(shares(crowd.writers, 0.0))
    weights = [ticket.pays_for(0, posted)[2] / 10 for ticket in (alone, beside)]
    assert weights == pytest.approx([1.5, 0.75])
    assert alone.pays_for(0, row())[2] == 10
    assert alone.pays_for(0, posted)[0] == 50 + WRITTEN * 10
    assert alone.pays_for(1, posted) == NOTHING


def test_an_unstreamed_answer_is_followed_back_by_the_engines_pace(book):
    for second, steps in enumerate((50, 50, 10, 40)):
        book.pace.saw(5.0, 1.0)
        book.pace.add(second * SECOND, (second + 1) * SECOND, steps, 5 * steps)
    ticket = begin(book, streamed=False)
    ticket.end(4 * SECOND, used(61, prompt=1_000))
    assert ticket.first == pytest.approx(1.8 * SECOND)
    assert (ticket.windows, ticket.counts) == ([1, 2, 3], pytest.approx([61 / 6, 61 / 6, 61 * 4 / 6]))
