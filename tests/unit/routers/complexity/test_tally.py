"""Counting all lists at one look says what counting each by itself says."""

from hypothesis import given
from hypothesis import strategies as st

from routers.complexity.tally import ROOM, Tally

words = st.sets(st.sampled_from([b"%d" % number for number in range(30)]))


@given(st.lists(words, max_size=6), words)
def test_each_list_is_counted(lists: list[set[bytes]], vocabulary: set[bytes]) -> None:
    assert list(Tally(lists).of(vocabulary)[ROOM:]) == [len(vocabulary & each) for each in lists]


def test_the_fullest_list_runs_over_into_no_other() -> None:
    full = {b"%d" % number for number in range(255)}
    assert list(Tally([full, {b"0"}, full]).of(full)) == [0] * ROOM + [255, 1, 255]
