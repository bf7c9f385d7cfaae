"""The rolling threshold keeps the share it is asked for, and drift is seen."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routers.complexity.window import ENOUGH, Window, drift, observe, quantile_for_share, threshold

SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=300)


@given(SCORES, st.floats(0, 1))
def test_no_more_than_the_share_reaches_the_threshold(scores: list[float], share: float) -> None:
    at = quantile_for_share(sorted(scores), share)
    assert sum(score >= at for score in scores) <= share * len(scores) + 1e-6


def test_distinct_scores_give_the_share_exactly() -> None:
    scores = [at / 1_000 for at in range(1_000)]
    at = quantile_for_share(scores, 0.3)
    assert sum(score >= at for score in scores) == 300


@given(SCORES, st.integers(1, 50))
def test_a_window_holds_the_last_scores_in_order(scores: list[float], size: int) -> None:
    window = Window(size)
    for score in scores:
        observe(window, score)
    assert list(window.recent) == scores[-size:]
    assert window.ordered == sorted(scores[-size:])


def test_the_fallback_speaks_until_there_is_enough() -> None:
    window = Window()
    for at in range(ENOUGH):
        assert threshold(window, 0.5, fallback=0.77) == 0.77
        observe(window, at / ENOUGH)
    assert threshold(window, 0.5, fallback=0.77) == pytest.approx(0.5)


def test_the_threshold_follows_traffic_that_changes() -> None:
    draw, window, strong = Random(1), Window(), 0  # noqa: S311  # traffic, not secrets
    for at in range(6_000):
        score = draw.betavariate(2, 8) if at < 3_000 else draw.betavariate(8, 2)
        strong += at >= 4_000 and score >= threshold(window, 0.3, 0.5)
        observe(window, score)
    assert strong / 2_000 == pytest.approx(0.3, abs=0.05)


def test_drift_is_zero_for_the_same_and_one_for_the_disjoint() -> None:
    low, high = [0.1, 0.2, 0.3], [0.7, 0.8]
    assert drift(low, low) == 0
    assert drift(low, high) == 1
    assert drift(low, []) == 0
    assert drift([0.1, 0.2, 0.3, 0.4], [0.3, 0.4, 0.5, 0.6]) == pytest.approx(0.5)
