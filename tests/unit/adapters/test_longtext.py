"""A long text put together in slices is the pieces joined, however wide its characters are."""

from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.longtext import put_together


def _all(work: Generator[None, None, str]) -> str:
    while True:
        try:
            next(work)
        except StopIteration as done:
            whole: str = done.value
            return whole


@given(st.lists(st.text(st.characters(), max_size=30) | st.text("abc", max_size=30), max_size=12))
def test_it_is_the_pieces_joined(pieces: list[str]) -> None:
    expected = "".join(pieces)
    whole = _all(put_together(pieces, 0))
    assert whole == expected
    assert hash(whole) == hash(expected)
    assert whole.isascii() == expected.isascii()
    assert whole.encode("utf-8", "surrogatepass") == expected.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("last", ["z", "\xe9", "\u2014", "\ud800", "\U0001f600"])
def test_a_wide_character_at_the_end_widens_nothing_later(last: str) -> None:
    pieces = ["x" * 50_000] * 20 + [last]
    assert _all(put_together(list(pieces))) == "".join(pieces)
    assert _all(put_together([last, *pieces])) == "".join([last, *pieces])
