"""Who pays for a GPU's time: requests for what they took, others for theirs, and nobody twice."""

from decimal import Decimal

import pytest

from adapters.chat import TokenUsage
from gateway.fleet.engines.reading import EngineReading, Reading
from gateway.metering.gpu.facts import SECOND, Booking, GpuBackend
from gateway.metering.gpu.hardware import NEUTRAL
from gateway.metering.gpu.rules import Rules
from gateway.metering.gpu.ticket import Ticket
from tests.unit.gateway.metering.gpu.books import MS, START, WALL, accounts, by_kind, page, watch


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
