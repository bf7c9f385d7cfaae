"""Open actions: when they close, what they remember, and that memory is bounded."""

from decimal import Decimal

import pytest

from gateway.configuration.settings import Threshold
from gateway.ledger.records import GpuBooking, Outcome, RequestRecord
from gateway.metering.actions.book import ActionBook
from gateway.metering.actions.feedback import Feedback, verdict

SECOND = 10**9


def request(number: int, at: int, action: str = "a", outcome: Outcome = "ok") -> RequestRecord:
    return RequestRecord(id=f"r{number}", at=at * SECOND, tenant="acme", action=action, outcome=outcome)


def test_an_action_closes_when_it_has_been_quiet() -> None:
    book = ActionBook(100)
    book.request(request(1, 0), Decimal(1), 0)
    book.request(request(2, 8), Decimal(2), 1)
    assert list(book.close(7 * SECOND, 17 * SECOND)) == []
    (closed,) = book.close(8 * SECOND, 18 * SECOND)
    assert (closed.requests, closed.usd, closed.unpriced, closed.outcome) == (2, 3, 1, "unknown")
    late = book.request(request(3, 19), Decimal(1), 0)
    assert late is closed
    assert len(book) == 0


def test_the_last_request_decides_without_feedback() -> None:
    book = ActionBook(100)
    outcomes: tuple[Outcome, ...] = ("failed", "ok", "cut", "cancelled")
    for number, outcome in enumerate(outcomes):
        book.request(request(number, number, outcome=outcome), Decimal(0), 0)
    (closed,) = book.close(9 * SECOND, 9 * SECOND)
    assert (closed.outcome, closed.failed) == ("failure", 2)  # the client that left says nothing


def test_no_more_than_so_many_are_open_and_none_is_forgotten() -> None:
    book = ActionBook(50)
    for number in range(500):
        book.request(request(number, number, f"a{number}"), Decimal(1), 0)
        assert len(book) <= 50
    closed = list(book.close(500 * SECOND, 500 * SECOND))
    assert sum(action.usd for action in closed) == 500
    assert len(book._closed) == 50
    assert len(book._of_request) <= 100


def test_gpu_money_may_come_before_its_request_ends() -> None:
    book = ActionBook(50)
    booking = GpuBooking(
        id="g", at=0, window=0, window_ns=1, backend="b", replica="r", use="request", gpu_ns=7,
        tenant="acme", workflow="w", request="r1", usd=Decimal(5),
    )  # fmt: skip
    book.spent(booking, booking.at, booking.usd, booking.gpu_ns)
    book.request(request(1, 1, ""), Decimal(0), 0)
    (closed,) = book.close(9 * SECOND, 9 * SECOND)
    assert (closed.usd, closed.gpu_ns, closed.requests, closed.named) == (5, 7, 1, False)


def test_another_tenants_request_is_not_found() -> None:
    book = ActionBook(50)
    book.request(request(1, 1), Decimal(0), 0)
    assert book.find("acme", "", "r1") is book.find("acme", "a", "")
    assert book.find("globex", "", "r1") is None
    assert book.find("globex", "a", "") is None


@pytest.mark.parametrize(
    ("metric", "value", "said"),
    [
        ("done", True, "success"), ("done", False, "failure"), ("done", "success", "success"), ("done", "odd", ""),
        ("done", 1.0, ""), ("rating", 4.0, "success"), ("rating", 3.9, "failure"), ("other", True, ""),
        ("errors", 0.0, "success"), ("errors", 1.0, "failure"),
    ],
)  # fmt: skip
def test_what_feedback_says(metric: str, value: bool | float | str, said: str) -> None:
    outcomes = {"done": Threshold(), "rating": Threshold(at_least=4), "errors": Threshold(at_most=0)}
    assert verdict(Feedback(metric, value), outcomes) == said


def test_without_configuration_booleans_and_words_decide() -> None:
    assert verdict(Feedback("anything", True), {}) == "success"
    assert verdict(Feedback("anything", "failure"), {}) == "failure"
    assert verdict(Feedback("anything", 5.0), {}) == ""
