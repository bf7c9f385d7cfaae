"""Sets of time against a slow model: one flag for each nanosecond."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gateway.metering.gpu.spans import length, outside, overlap, union

spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def flags(pairs, begin=0, end=61):
    return {t for a, b in pairs for t in range(max(a, begin), min(b, end))}


@given(spans)
def test_union_covers_what_the_spans_cover_and_is_disjoint(pairs):
    merged = union(pairs)
    assert flags(merged) == flags(pairs)
    assert all(a < b for a, b in merged)
    assert all(left[1] < right[0] for left, right in itertools.pairwise(merged))
    assert length(merged) == len(flags(pairs))


@given(spans, st.integers(0, 60), st.integers(0, 60))
def test_outside_is_the_rest(pairs, begin, end):
    rest = outside(begin, end, union(pairs))
    assert flags(rest) == set(range(begin, end)) - flags(pairs)


@given(spans, spans)
def test_overlap_is_what_both_cover(left, right):
    assert overlap(union(left), union(right)) == len(flags(left) & flags(right))
