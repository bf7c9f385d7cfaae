"""Counts: the engine's own, what own requests know better, and whether all of it was ours."""

import pytest

from gateway.metering.gpu.counts import AllOurs, Counted, refined
from gateway.metering.gpu.facts import Coefficients, Tokens

TOLD = Counted(steps=10, computed=100, looked_back=1_000, generated=50, context=5_000, prompts=400)


def test_work_is_the_sum_of_three_doings():
    costs = Coefficients(step=1.0, prompt=0.1, context=0.001, attention=0.01)
    assert TOLD.work(costs) == pytest.approx(10 + 0.1 * (100 + 10 + 50 / 2) + 5)


def test_own_requests_correct_the_context_the_counters_guess():
    known = Counted(computed=100, looked_back=3_000, generated=50, context=9_000)
    better = refined(TOLD, known)
    assert (better.looked_back, better.context) == (3_000, 9_000)
    assert (better.steps, better.computed, better.generated) == (10, 100, 50)


def test_others_requests_keep_what_the_counters_say():
    known = Counted(computed=25, looked_back=50, generated=5, context=100)
    better = refined(TOLD, known)
    assert better.looked_back == pytest.approx(50 + 0.75 * 1_000)
    assert better.context == 5_000


def test_tokens_that_arrive_before_the_engine_counts_them_are_not_counted_twice():
    known = Counted(computed=200, looked_back=6_000, generated=100, context=20_000)
    better = refined(TOLD, known)
    assert better.looked_back == pytest.approx(3_000)
    assert better.context == pytest.approx(10_000)


def test_all_is_ours_as_long_as_the_engine_counts_no_more_than_gateways_know():
    recent = AllOurs(3)
    assert recent
    recent.add(Tokens(100, 50), Counted(prompts=100, generated=50))
    assert recent
    recent.add(Tokens(), Counted(generated=20))
    assert not recent
    for _ in range(3):
        recent.add(Tokens(100, 50), Counted(prompts=100, generated=50))
    assert recent
    recent.add(Tokens(0, 50), Counted(prompts=100, generated=50))
    assert not recent


def test_tokens_counted_a_window_too_early_come_right_with_the_next_one():
    recent = AllOurs(60)
    recent.add(Tokens(20, 90), Counted(prompts=20, generated=310))  # a page came late, evenly spread
    assert not recent
    assert recent.so_with(Tokens(0, 310), Counted(generated=90))
    assert not recent.so_with(Tokens(0, 300), Counted(generated=300))
    assert not recent  # the question leaves no trace
