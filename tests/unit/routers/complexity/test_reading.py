"""What is read off a task: the facts are what they are called."""

import pytest

from routers.complexity.conversation import Conversation, Turn, last_tasks
from routers.complexity.lists import KINDS, TOPICS
from routers.complexity.reading import FEATURES, FEW, MANY, MOST, OPEN, Reading, read

NAMES = [feature.name for feature in FEATURES]


def reading(text: str) -> Reading:
    return read(last_tasks(Conversation((Turn("user", text),)))[0])


def fact(text: str, name: str) -> float:
    return reading(text).facts[NAMES.index(name)]


@pytest.mark.parametrize("topic", TOPICS)
def test_each_topic_has_its_own_fact(topic: str) -> None:
    word = TOPICS[topic].split()[0]
    others = [name for name in TOPICS if word not in TOPICS[name].split()]
    text = f"{word} {'quux ' * 63}"
    assert fact(text, topic) == pytest.approx(0.125)
    assert [fact(text, other) for other in others] == pytest.approx([0.0] * len(others))


@pytest.mark.parametrize("text", ["?" * 500, "{" * 500, "1 " * 500, "", "A" * 900])
def test_no_scaled_fact_lies_beyond_three(text: str) -> None:
    assert all(-MOST <= each <= MOST for each in reading(text).scaled)
    assert all(each >= 0 for each in reading(text).facts)


def test_of_a_long_text_the_words_at_its_ends_stand_for_all() -> None:
    text = f"first {'seven 7 eleven, ' * 90}last"
    said = reading(text).said
    assert {b"first", b"seven", b"eleven", b"last"} == said.vocabulary - {b"0"}  # and no half of one
    assert said.read < 120
    assert said.size == pytest.approx(272, rel=0.05)
    assert said.numbers == pytest.approx(90, rel=0.1)
    assert fact(text, "commas") == pytest.approx(90 / said.size)  # counted everywhere
    assert reading("x" * 2_000).said.size > 0


@pytest.mark.parametrize(
    ("text", "form", "options"),
    [
        ("Which is it?", OPEN, 0),
        ("Which is it?\nA. one\nB. two\nC. three", FEW, 3),
        ("Which is it?\n(A) one\n(B) two", FEW, 2),
        ("Which is it?\n" + "\n".join(f"{letter}) {letter}" for letter in "ABCDEFG"), MANY, 7),
        ("Bring this:\nBread\nButter", OPEN, 0),
    ],
)
def test_answers_to_choose_from_are_counted(text: str, form: int, options: int) -> None:
    assert reading(text).form == form
    assert fact(text, "options") == pytest.approx(options)


def test_the_lists_of_kinds_are_counted() -> None:
    signs = dict(zip(KINDS, reading("Please translate and summarise this poem.").said.signs, strict=True))
    assert signs | {"code": 0, "maths": 0} == signs
    assert (signs["translation"], signs["summarising"], signs["creative"]) == (1, 1, 1)


def test_what_is_written_without_spaces_is_read_by_neighbours() -> None:
    text = "请证明这个定理并总结结果。"
    said = reading(text).said
    assert {b"prove", b"theorem", b"summarise"} <= said.vocabulary
    assert said.grams
    assert not reading("Prove this theorem, and summarise the result.").said.grams
