"""What words pull is the same whether they were met before or not, and what is remembered stays small."""

from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from routers.complexity import pulls
from routers.complexity.pulls import Pulls
from routers.complexity.reading import MASK, STEM

TABLE = [code % 255 - 127 for code in range(MASK + 1)]


def by_hand(vocabulary: set[bytes]) -> tuple[int, int]:
    stems = {word[:STEM] for word in vocabulary}
    return sum(TABLE[crc32(stem) & MASK] for stem in stems), len(stems)


@given(st.lists(st.sets(st.binary(min_size=1, max_size=9), max_size=20), max_size=10))
def test_met_before_or_not_words_pull_as_the_table_says(texts: list[set[bytes]]) -> None:
    known = Pulls(TABLE)
    for text in (*texts, *texts):
        assert known.of(text) == by_hand(text)


def test_words_of_one_stem_count_once() -> None:
    assert Pulls(TABLE).of({b"integral", b"integrals"})[1] == 1


def test_it_forgets_before_it_grows_without_bound(monkeypatch) -> None:
    monkeypatch.setattr(pulls, "MOST", 100)
    known = Pulls(TABLE)
    for start in range(0, 2_000, 20):
        text = {b"%d" % number for number in range(start, start + 20)}
        assert known.of(text) == by_hand(text)
        assert len(known._met) <= 120  # how much it holds shows nowhere else
