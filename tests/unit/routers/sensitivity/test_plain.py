"""The plain engine finds what Hyperscan finds: hit by hit for what it may look for, text by text for what counts."""

import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.visible import visible
from routers.sensitivity import trigger as triggered
from routers.sensitivity.classifier import Classifier, triggers
from routers.sensitivity.label import Segment
from routers.sensitivity.plain import PlainEngine
from routers.sensitivity.trigger import (
    APART,
    BROKEN,
    DENSE,
    GIVEN,
    HOUSE,
    INSIDE,
    LACED,
    LONG,
    MANY,
    MIXED,
    NUMBERED,
    Place,
    Trigger,
    lowered,
)

FOLDER = Path(__file__).resolve().parents[4] / ".." / "shared" / "data" / "sensitivity"
FILES = ("evasion", "identifiers", "negatives", "presidio", "secrets")
WANTED = [trigger for trigger in triggers() if not trigger.hint]


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
        (MANY, "[0-9]{2}(?:-[0-9]{2}){2}", (), "of 12-34-56"),
        (MIXED, "[a-z]{2}[0-9]{7}", (), "AB1234567"),
        (MIXED, "[0-9]{8}-[a-z]", (), "12345678-Z"),
        (NUMBERED, "passport", ("passport",), f"passport {'a ' * 40}1 2 3"),
        (HOUSE, "weg", ("weg",), "Lindenweg 7"),
        (INSIDE, "p[a-z0-9]{7}", (), "P4ssw0rd"),
        (LONG, "[A-Za-z]{16}", (), "a" * 16),
        (LONG, "[A-Za-z]{16}", (), f"see {'a' * 16} there"),
        (LACED, "[a-z][0-9][a-z][0-9][a-z][0-9][a-z]", (), "0123456789a1b2c3d4"),
        (APART, "(?:[.][a-z]){6}[.]", (), "x .a.b.c.d.e.f. y"),
        (BROKEN, "[0-9]\n[0-9]{2}", (), "12\n34"),
        (BROKEN, "[0-9]\n[a-z][0-9]", (), "a\nb\n1\nc3"),
        (GIVEN, "acme", ("acme",), "acme_token = 'abcdefghij'"),
        (GIVEN, "key", ("key",), "the key IS abcdefghij"),
    ],
)
def test_places_hold_what_could_count(place, pattern, needs, text):
    assert _hits(Trigger(pattern, needs, leads=bool(needs), among=place), text)
    assert not _hits(Trigger(pattern, needs, leads=bool(needs), among=place), "weg passport key acme x")


@given(st.text("0123 a-.\n", max_size=120))
@settings(deadline=None)
def test_a_place_within_another_is_where_it_would_be_alone(text):
    """Looking within other places is quicker, and leaves out nothing of what the place is meant for."""
    digits = Trigger("[0-9](?:[^0-9\n]{0,8}[0-9]){3}", among=DENSE)
    assert _hits(digits, text) == _hits(Trigger(digits.pattern), text)


@pytest.mark.parametrize("place", [value for value in vars(triggered).values() if isinstance(value, Place)])
def test_places_are_for_a_text_in_lower_case(place):
    assert not re.search(r"(?<!\\)[A-Z]", place.pattern.pattern)
    assert not place.pattern.flags & re.IGNORECASE


@pytest.fixture(scope="module")
def caseless() -> list[tuple[re.Pattern[str], PlainEngine]]:
    """Each caseless pattern as `re` would have it, and as the engine does."""
    return [
        (re.compile(trigger.pattern, re.IGNORECASE | re.ASCII), PlainEngine([Trigger(trigger.pattern)]))
        for trigger in WANTED
        if trigger.caseless
    ]


@given(st.text("aAzZfFkK019éÉ\u017f\u212a -_.,:=/@+\"'<~\n", max_size=60))
@settings(deadline=None, max_examples=60)
def test_a_pattern_in_lower_case_matches_as_one_without_case(caseless, text):
    """What the engine is spared, `re` is asked to do: to match without regard to case."""
    for pattern, alone in caseless:
        ends = {match.end() - 1 for match in pattern.finditer(f"\n{text}")}
        found = {end for end, _ in alone.scan(text)}
        assert ends <= found, pattern.pattern
        assert ends or not found, pattern.pattern


def test_letter_case_is_ascii_s():
    assert lowered("ÄB \u0130 \u212a \ud800") == "Äb \u0130 \u212a \ud800"
    assert not _hits(Trigger("né", ("né",), leads=True), "NÉ")
    assert _hits(Trigger("né", ("né",), leads=True), "Né")


def test_needs_are_as_the_text_is_searched():
    """In lower case, and such as `starts` and `ends` speak of where a trigger says so."""
    for trigger in WANTED:
        assert all(need and need == lowered(need) for need in trigger.needs), trigger
        assert trigger.needs or not (trigger.leads or trigger.starts or trigger.ends), trigger


def test_both_engines_read_patterns_alike():
    """Hyperscan sees bytes: in a class, or before a quantifier, a letter of two of them would be either."""
    foreign = re.compile(r"\[[^\]]*[^\x00-\x7f]|[^\x00-\x7f][?*+{]")
    assert not [trigger.pattern for trigger in triggers() if foreign.search(trigger.pattern)]


def _findings(classifier: Classifier, segments: list[Segment]) -> list[tuple[str, int, int, int]]:
    found = classifier.verdict(segments).findings
    return sorted((finding.type, finding.segment, finding.start, finding.end) for finding in found)


def _messages(name: str = "*.txt") -> list[str]:
    files = sorted((Path(__file__).parent / "messages").glob(name))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line.strip()]


@pytest.mark.parametrize("case", [str, str.upper, str.lower, str.title])
def test_messages_are_read_alike(classifier, plain, case):
    """Every value in the same place."""
    messages = [case(message) for message in _messages()]
    assert messages
    for message in messages:
        assert _findings(plain, [Segment(message)]) == _findings(classifier, [Segment(message)]), message


_PLAIN = sorted({word for message in _messages("*_goes.txt") for word in message.split() if word.isalpha()})


@given(
    st.lists(st.sampled_from(_PLAIN), max_size=9),
    st.sampled_from(_messages()),
    st.lists(st.sampled_from(_PLAIN), max_size=9),
    st.sampled_from([str, str.upper, str.lower, str.title]),
)
@settings(deadline=None, max_examples=200, derandomize=True)
def test_a_message_among_others_is_read_alike(classifier, plain, before, message, behind, case):
    """Always the same examples: of a hundred thousand one differs, where what one rule is led to lies near a hit that
    only one engine has."""
    text = case(f"{' '.join(before)}\n{message}\n{' '.join(behind)}")
    assert _findings(plain, [Segment(text)]) == _findings(classifier, [Segment(text)])


@pytest.mark.parametrize("name", FILES)
def test_the_shared_set_is_read_alike(classifier, plain, name):
    file = FOLDER / f"{name}.jsonl.gz"
    if not file.exists():
        pytest.skip(f"shared/data/sensitivity/{file.name} is missing beside the checkout")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        segments = [Segment(row["text"])] if "text" in row else _segments(row["request"])
        assert _findings(plain, segments) == _findings(classifier, segments), row["id"]


def _segments(body: dict[str, object]) -> list[Segment]:
    return [Segment(text, origin) for origin, text in visible(body, "chat").texts]
