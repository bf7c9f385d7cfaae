"""Who writes at once shares a step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.metering.gpu.crowd import SLOTS, Crowd, share, shares, together

moments = st.integers(0, 1_000)


def written(*spans: tuple[int, int]) -> tuple[float, ...]:
    crowd = Crowd(5_000, 6_000)
    for first, last in spans:
        crowd.add(5_000 + first, 5_000 + last)
    return crowd.writers


def test_answers_are_counted_slot_by_slot():
    assert written((0, 1_000), (500, 1_000)) == pytest.approx([1.0] * 10 + [2.0] * 10)
    assert written((25, 75)) == pytest.approx([0.5, 0.5, *[0.0] * 18])


def test_nobody_wrote():
    assert written() == written((300, 300)) == ()
    assert shares((), 3.0) == ()
    assert together([(), ()]) == ()


def test_a_token_costs_a_step_alone_and_half_of_one_beside_another():
    sums = shares(written((0, 1_000), (500, 1_000)), 0.0)
    assert share(sums, 0.0, 0.5) == pytest.approx(2 * share(sums, 0.5, 1.0))
    assert share(sums, 0.7, 0.7) == pytest.approx(share(sums, 0.5, 1.0))
    assert share(sums, 0.0, 1.0) == pytest.approx((share(sums, 0, 0.5) + share(sums, 0.5, 1)) / 2)


def test_beside_many_of_others_all_tokens_cost_about_the_same():
    sums = shares(written((0, 500)), 100.0)
    assert share(sums, 0.0, 0.5) == pytest.approx(share(sums, 0.5, 1.0), rel=0.02)


def test_gateways_add_up_those_they_know_of():
    assert together([(1.0, 2.0), (), (0.5, 0.0)]) == (1.5, 2.0)


@given(st.lists(st.tuples(moments, moments), min_size=1, max_size=30), st.floats(0, 50))
def test_the_mean_over_all_that_is_written_is_one(ends, others):
    """So nothing is billed twice, and nothing is left over, where answers are written at one pace."""
    spans = [(min(pair), max(pair)) for pair in ends]
    writers = written(*spans)
    sums = shares(writers, others)
    if not sums:
        return
    own = sum(
        (last - first) / 1e3 * share(sums, first / 1e3, last / 1e3) for first, last in spans if first < last
    )
    rest = others * share(sums, 0.0, 1.0)
    everything = sum((last - first) / 1e3 for first, last in spans) + others
    assert own + rest == pytest.approx(everything, rel=0.01, abs=0.02)
    assert len(sums) == SLOTS + 1
