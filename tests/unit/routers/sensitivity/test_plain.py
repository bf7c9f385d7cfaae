"""The plain engine finds what Hyperscan finds: hit by hit for what it may look for, text by text for what counts."""

import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.visible import visible
from routers.sensitivity.label import Segment
from routers.sensitivity.plain import PlainEngine
from routers.sensitivity.trigger import DENSE, GIVEN, HOUSE, LONG, NUMBERED, Trigger

FOLDER = Path(__file__).resolve().parents[4] / ".." / "shared" / "data" / "sensitivity"
FILES = ("evasion", "identifiers", "negatives", "presidio", "secrets")


def _hits(trigger: Trigger, text: str) -> set[int]:
    return {end for end, _ in PlainEngine([trigger]).scan(text)}


@given(st.text("abk \n12", max_size=40))
@settings(deadline=None)
def test_every_end_of_a_literal_s_match_is_a_hit(text):
    """Against the definition: each end for which some match exists."""
    trigger = Trigger("(?:ab|abk|ka)[a-k]{0,3}[0-9]", ("ab", "ka"), leads=True)
    expected = {
        stop
        for start in range(len(text))
        for stop in range(start, len(text) + 1)
        if re.fullmatch("(?:ab|abk|ka)[a-k]{0,3}[0-9]", text[start:stop])
    }
    assert _hits(trigger, text) == expected


def test_a_literal_that_starts_has_no_letter_before_it():
    trigger = Trigger("born", ("born",), leads=True, starts=True)
    assert _hits(trigger, "born reborn _born Born 1born éborn") == {4, 17, 22, 28, 34}


@pytest.mark.parametrize(
    ("place", "pattern", "needs", "text"),
    [
        (DENSE, "x[0-9]{4}", (), "x1234"),
        (NUMBERED, "passport", ("passport",), f"passport {'a ' * 40}1 2 3"),
        (HOUSE, "weg", ("weg",), "Lindenweg 7"),
        (LONG, "[A-Za-z]{16}", (), "a" * 16),
        (LONG, "[A-Za-z]{16}", (), f"see {'a' * 16} there"),
        (GIVEN, "acme", ("acme",), "acme_token = 'abcdefghij'"),
        (GIVEN, "key", ("key",), "the key is abcdefghij"),
    ],
)
def test_places_hold_what_could_count(place, pattern, needs, text):
    assert _hits(Trigger(pattern, needs, leads=bool(needs), among=place), text)
    assert not _hits(Trigger(pattern, needs, leads=bool(needs), among=place), "weg passport key acme x")


@pytest.mark.parametrize("name", FILES)
def test_the_shared_set_is_labelled_alike(classifier, plain, name):
    file = FOLDER / f"{name}.jsonl.gz"
    if not file.exists():
        pytest.skip(f"shared/data/sensitivity/{file.name} is missing beside the checkout")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        segments = [Segment(row["text"])] if "text" in row else _segments(row["request"])
        quick, slow = classifier.label(segments), plain.label(segments)
        assert (set(slow.types), slow.level) == (set(quick.types), quick.level), row["id"]


def _segments(body: dict[str, object]) -> list[Segment]:
    return [Segment(text, origin) for origin, text in visible(body, "chat").texts]
