"""A task in another language is scored as it would be in English."""

import json
from itertools import product
from math import log
from pathlib import Path
from statistics import correlation, fmean

import pytest

from routers.complexity.conversation import Conversation, Turn
from routers.complexity.conversation import last_tasks as tasks
from routers.complexity.language import STOPWORDS, in_english, spoken
from routers.complexity.reading import Reading, read
from routers.complexity.scorer import Scorer
from routers.complexity.tongues import SPACED, UNSPACED

# The first set was there while the dictionary was made, the second was written when it was finished.
PROMPTS = json.loads(Path(__file__).with_name("said_in_ten_languages.json").read_text("utf-8"))
OTHERS = sorted(set(PROMPTS["first"]) - {"en"})


def reading(text: str) -> Reading:
    return read(tasks(Conversation((Turn("user", text),)))[0])


def odds(scorer: Scorer, language: str, level: str) -> list[float]:
    found = []
    for prompts in PROMPTS.values():
        for text in prompts[language][level]:
            chance = scorer.score(Conversation((Turn("user", text),))).value
            found.append(log(chance / (1 - chance)))
    return found


@pytest.mark.parametrize("language", OTHERS)
def test_hard_stands_above_easy(scorer: Scorer, language: str) -> None:
    pairs = list(product(odds(scorer, language, "hard"), odds(scorer, language, "easy")))
    assert fmean(hard > easy for hard, easy in pairs) >= 0.75


@pytest.mark.parametrize("language", OTHERS)
def test_scores_go_with_those_of_the_same_task_in_english(scorer: Scorer, language: str) -> None:
    said, english = (odds(scorer, of, "hard") + odds(scorer, of, "easy") for of in (language, "en"))
    assert correlation(said, english) >= 0.75


@pytest.mark.parametrize("language", OTHERS)
def test_the_language_is_seldom_mistaken(language: str) -> None:
    texts = [text for prompts in PROMPTS.values() for level in prompts[language].values() for text in level]
    told = [reading(text).said.language for text in texts]
    assert sum(one in {language, "und"} for one in told) >= len(told) - 1


def test_english_is_read_as_it_stands() -> None:
    text = "Prove that the sum of two even numbers is even, and name the man who did it first."
    one = reading(text)
    assert one.said.language == "en"
    assert one.said.meant == text.lower().replace(",", "").replace(".", "").encode().split()


def test_what_the_dictionary_does_not_know_is_kept() -> None:
    assert in_english([b"beweise", b"quux"], "de") == [b"prove", b"quux"]
    assert in_english([b"beweise"], "fr") == [b"beweise"]


@pytest.mark.parametrize(
    ("language", "text"),
    [("de", "beweise folgende gleichung"), ("und", "meat clip day catch window")],
)
def test_a_short_text_is_told_by_the_dictionary(language: str, text: str) -> None:
    words = text.encode().split()
    counts = bytes([len(stops.intersection(words)) for stops in STOPWORDS.values()])
    assert spoken(counts, set(words), len(words)) == language


def test_characters_without_spaces_are_words() -> None:
    one = reading("计算 12 和 30 的总和然后证明结果是偶数。")
    assert {b"calculate", b"sum", b"prove"} <= one.said.vocabulary
    assert one.said.numbers == 2


def test_the_dictionary_has_no_word_in_two_forms() -> None:
    for entries in SPACED.values():
        assert all(word == word.lower() and english.isalpha() for word, english in entries.items())
    assert all(len(pair) == 2 for entries in UNSPACED.values() for pair in entries)
