"""What words pull is the same whether they were met before or not, and what is remembered stays small."""

from array import array
from math import sqrt
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routers.complexity import pulls
from routers.complexity.conversation import Conversation, Turn, last_tasks
from routers.complexity.pulls import Pulls, pulled
from routers.complexity.reading import BITS, FEATURES, FORMS, MANY, MASK, PAIRS, STEM, TALLY, buckets_of, read
from routers.complexity.scorer import Scorer
from routers.complexity.tally import ROOM
from routers.complexity.weights import Weights

TABLE = [code % 255 - 127 for code in range(MASK + 1)]
ABOVE_ZERO = [pull + 128 for pull in TABLE]
CHOICES = "".join(f"\n{letter}. answer {number}" for number, letter in enumerate("ABCDEFGH"))
STEP = 0.01


def is_by_hand(said: bytes, vocabulary: set[bytes]) -> bool:
    pulls = sum(ABOVE_ZERO[crc32(word[:STEM]) & MASK] for word in vocabulary)
    return pulled(said) == pulls and said[ROOM:] == TALLY.of(vocabulary)[ROOM:]


WORDS = st.binary(min_size=1, max_size=9) | st.sampled_from(sorted(TALLY.votes))


@given(st.lists(st.sets(WORDS, max_size=20), max_size=10))
def test_met_before_or_not_words_pull_as_the_table_says(texts: list[set[bytes]]) -> None:
    known = Pulls(ABOVE_ZERO)
    for text in (*texts, *texts):
        assert is_by_hand(known.of(text), text)


def test_it_forgets_before_it_grows_without_bound(monkeypatch) -> None:
    monkeypatch.setattr(pulls, "MOST", 100)
    known = Pulls(ABOVE_ZERO)
    for start in range(0, 2_000, 20):
        text = {b"%d" % number for number in range(start, start + 20)}
        assert is_by_hand(known.of(text), text)
        assert len(known._met) <= 120  # how much it holds shows nowhere else


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    """One that knows of words alone: its log-odds are what they pull."""
    nothing = (0.0,) * len(FORMS)
    table = array("b", TABLE)
    facts = ((0.0,) * len(FEATURES),) * len(FORMS)
    ones = (1.0,) * len(FORMS)
    steps = (STEP,) * len(FORMS)
    return Scorer(
        Weights((table,) * len(FORMS), steps, facts, ((),) * len(FORMS), nothing, ones, nothing, b"", {})
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Prove it.",
        "Which planet is nearest to the sun, and which is farthest from it?",
        f"Which is the largest of these integrals?{CHOICES}",
        "计算 12 和 30 的总和然后证明结果是偶数。",
        "次の総和を求め、python で証明してください。",
        "Berechne die Summe aller geraden Zahlen und beweise, dass sie gerade ist.",
    ],
)
def test_what_is_trained_is_what_is_scored(scorer: Scorer, text: str) -> None:
    asked = Conversation((Turn("user", text),))
    buckets = buckets_of(read(last_tasks(asked)[0]))
    assert len(TABLE) == 1 << BITS
    expected = sum(TABLE[bucket] for bucket in buckets) * STEP / sqrt(len(buckets) or 1)
    assert dict(scorer.explain(asked)).get("its words", 0.0) == pytest.approx(expected)


def test_of_many_answers_the_wording_of_the_question_counts() -> None:
    def weighed(text: str) -> set[int]:
        reading = read(last_tasks(Conversation((Turn("user", text),)))[0])
        assert reading.form == MANY
        return set(buckets_of(reading))

    asked = "Which of them is not largest?", "Which of them is largest not?"
    one, other = (weighed(text + CHOICES) for text in asked)
    assert one != other
    before = "word " * PAIRS
    one, other = (weighed(before + text + CHOICES) for text in asked)
    assert one == other
