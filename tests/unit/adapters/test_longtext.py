"""A long text written in slices is the pieces joined, however wide its characters are; and it goes in slices."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.longtext import LET_GO, Growing, joined, let_go


def _written(pieces: list[str], more: int = 0) -> str:
    text = Growing(sum(map(len, pieces)) + more)
    for piece in pieces:
        for _ in text.add(piece):
            pass
    return text.done()


@given(
    st.lists(st.text(st.characters(), max_size=30) | st.text("abc", max_size=30), max_size=12),
    st.sampled_from([0, 1, 1_000_000]),
)
def test_it_is_the_pieces_joined(pieces: list[str], more: int) -> None:
    expected = "".join(pieces)
    assert joined(pieces) == expected
    whole = _written(pieces, more)
    assert whole == expected
    assert hash(whole) == hash(expected)
    assert whole.isascii() == expected.isascii()
    assert whole.encode("utf-8", "surrogatepass") == expected.encode("utf-8", "surrogatepass")
    assert sys.getsizeof(whole) <= sys.getsizeof(expected)  # which may have its UTF-8 beside it


@pytest.mark.parametrize("last", ["z", "\xe9", "\u2014", "\ud800", "\U0001f600"])
def test_a_wide_character_at_the_end_widens_nothing_later(last: str) -> None:
    pieces = ["x" * 50_000] * 20 + [last]
    assert _written(pieces) == "".join(pieces)
    assert _written([last, *pieces]) == "".join([last, *pieces])


def test_what_is_written_is_widened_in_slices() -> None:
    text = Growing(1_000_001)
    assert sum(1 for _ in text.add("x" * 1_000_000)) == 0
    assert sum(1 for _ in text.add("\u2014")) > 10
    assert text.done() == "x" * 1_000_000 + "\u2014"


@pytest.mark.parametrize("long", ["x" * 5_000_000, "\U0001f600" * 5_000_000, b"x" * 5_000_000])
def test_what_is_long_goes_a_little_at_a_time(long: str | bytes) -> None:
    held = ["short", long[:1] * len(long)]
    turns = sum(1 for _ in let_go(held))
    assert held == []
    assert turns == len(long) // LET_GO


@pytest.mark.parametrize("long", ["x" * 2_000_000, b"x" * 2_000_000])
def test_what_somebody_else_holds_stays_whole(long: str | bytes) -> None:
    assert sum(1 for _ in let_go([long])) == 0
    assert len(long) == 2_000_000
    assert set(long) == set(long[:1])


def test_to_stop_half_way_frees_the_rest() -> None:
    blocks = sys.getallocatedblocks()
    for _ in range(100):
        work = let_go(["x" * 1_000_000 + str(blocks)])
        next(work)
        work.close()
    assert sys.getallocatedblocks() < blocks + 50
