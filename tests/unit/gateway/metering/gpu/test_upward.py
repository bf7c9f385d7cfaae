"""Counters that follow corrected bookings never fall, and never lose a nanosecond for good."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.metering.gpu.upward import Upward


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(-100, 100))))
def test_counters_rise_to_the_highest_sum_so_far(amounts):
    upward, counters, sums, highest = (
        Upward(),
        dict.fromkeys("ab", 0),
        dict.fromkeys("ab", 0),
        dict.fromkeys("ab", 0),
    )
    for key, amount in amounts:
        rise = upward.take(key, amount)
        assert rise >= 0
        counters[key] += rise
        sums[key] += amount
        highest[key] = max(highest[key], sums[key])
    assert counters == highest
