"""What can be replaced with certainty and what cannot; what the label of the rest is; what can still be read."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routers.sensitivity.classifier import Classifier, triggers
from routers.sensitivity.engine import compile_triggers
from routers.sensitivity.label import Label, Level, Segment
from routers.sensitivity.redaction import (
    MOST_VALUES,
    Plan,
    least,
    left_over,
    plan,
    remains,
    replaced,
    standing,
)
from routers.sensitivity.settings import Settings

Planned = Callable[..., Plan]


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    settings = Settings(terms=("Project Falcon",), patterns=MappingProxyType({"wo": r"WO-[0-9]{6}"}))
    return Classifier(settings, compile_triggers(triggers()))


@pytest.fixture(scope="session")
def planned(classifier: Classifier) -> Planned:
    """The plan for texts, each a segment of its own."""

    def of(*texts: str, elsewhere: Any = ()) -> Plan:
        work = classifier.sightings([Segment(text) for text in texts])
        while True:
            try:
                next(work)
            except StopIteration as done:
                return plan(done.value, elsewhere)

    return of


@pytest.mark.parametrize(
    ("text", "value", "type_"),
    [
        ("My SSN is 536-22-8741.", "536-22-8741", "US_SSN"),
        (
            "Write to o'jane.miller+x@acme-widgets.com, please",
            "o'jane.miller+x@acme-widgets.com",
            "EMAIL_ADDRESS",
        ),
        ("IBAN DE89 3704 0044 0532 0130 00 is ours", "DE89 3704 0044 0532 0130 00", "IBAN_CODE"),
        ("Patient, MRN: 00482913, came in", "00482913", "MEDICAL_RECORD_NUMBER"),
        ("born on 12 March 1980 in Bonn", "12 March 1980", "DATE_OF_BIRTH"),
        ("password: 'hunter2 '", None, "PASSWORD"),
        ('{"password": "hunter2xy"}', "hunter2xy", "PASSWORD"),
        ("PASSWORD=hunter2xy\nHOST=x", "hunter2xy", "PASSWORD"),
        ("my password is correct7 horse battery", None, "PASSWORD"),
        ("postgres://bob:s3cr3tPw9@db/x", "s3cr3tPw9", "CONNECTION_STRING"),
        ("about project falcon: ", "project falcon", "CUSTOM_TERM"),
        ("see WO-123456 now", "WO-123456", "CUSTOM_TERM"),
        ("I live at 12 Elm Street, Springfield", None, "STREET_ADDRESS"),
        ("TLP:RED\nThe plan", None, "CONFIDENTIAL_MARKING"),
        ("My wife was diagnosed with diabetes", None, "HEALTH_CONDITION"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow", None, "PRIVATE_KEY"),
    ],
)
def test_what_is_seen_whole_is_replaced_and_what_is_not_stays(planned: Planned, text, value, type_) -> None:
    made = planned(text)
    if value is None:
        assert type_ in made.left
        assert type_ not in made.replaced
    else:
        assert value in made.placeholders
        assert made.placeholders[value].startswith(f"[{type_}_")
        assert type_ in made.replaced


def test_one_value_has_one_placeholder_and_the_text_s_own_numbers_are_left_out(planned: Planned) -> None:
    made = planned("a [EMAIL_ADDRESS_1] jane@acme-widgets.com", "jane@acme-widgets.com bob@acme-widgets.com")
    assert made.placeholders == {
        "jane@acme-widgets.com": "[EMAIL_ADDRESS_2]",
        "bob@acme-widgets.com": "[EMAIL_ADDRESS_3]",
    }
    assert made.counts == {"EMAIL_ADDRESS": 2}


@pytest.mark.parametrize(
    "text",
    [
        "mail amFuZS5taWxsZXJAYWNtZS13aWRnZXRzLmNvbSBpcyBtaW5l",  # base64
        "mail jane.miller%40acme-widgets.com",
        "jane.miller [at] acme-widgets [dot] com",
        "card 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 please",
    ],
)
def test_what_is_seen_in_a_view_alone_is_never_replaced(planned: Planned, text: str) -> None:
    made = planned(text)
    assert made.left
    assert not made.replaced & made.left


def test_a_view_of_what_is_replaced_anyway_takes_nothing_away(planned: Planned) -> None:
    made = planned("Dial%20jane@acme-widgets.com or jane@acme-widgets.com")
    assert made.left == frozenset()


def test_what_a_further_detector_found_must_be_among_the_replaced(planned: Planned) -> None:
    text = "jane@acme-widgets.com knows the heron"
    assert planned(text, elsewhere=[("EMAIL_ADDRESS", "jane@acme-widgets.com")]).left == frozenset()
    assert planned(text, elsewhere=[("PERSON", "heron")]).left == {"PERSON"}
    assert planned(text, elsewhere=[("PERSON", " - ")]).left == {"PERSON"}


def test_too_many_values_are_none(planned: Planned) -> None:
    made = planned(" ".join(f"user{i}@acme-widgets.com" for i in range(MOST_VALUES + 1)))
    assert (made.placeholders, made.left) == ({}, {"EMAIL_ADDRESS"})


def test_a_token_that_may_go_on_behind_a_sign_is_not_seen_whole(planned: Planned) -> None:
    token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
    assert planned(f"token={token}\n").replaced == {"API_KEY"}
    assert "API_KEY" in planned(f"token={token}>rest7\n").left


VALUES = {"536-22-8741": "[US_SSN_1]", "Hunter2xy": "[PASSWORD_1]", "123": "[CREDIT_CARD_CVV_1]"}


@pytest.mark.parametrize(
    ("texts", "there"),
    [
        (["SSN [US_SSN_1], [PASSWORD_1]"], False),
        (["the number 536228741"], True),
        (["the number 536 22", "8741"], True),
        (["5\u200b36-22-8741"], True),
        (["hunter2XY"], True),
        (["h u n t e r 2 x y"], True),
        (["code 1234"], False),
        (["code 123 "], True),
        (["[CREDIT_CARD_CVV_1]"], False),
    ],
)
def test_what_can_still_be_read(texts: list[str], there: bool) -> None:
    assert remains(VALUES, texts) is there


CATEGORIES = {"US_SSN": "GOV_ID", "API_KEY": "SECRET", "HEALTH_CONDITION": "HEALTH", "HERON": "CUSTOM"}
LABELS = st.builds(
    Label,
    level=st.sampled_from(Level),
    types=st.dictionaries(
        st.sampled_from(["US_SSN", "API_KEY", "HEALTH_CONDITION", "HERON"]), st.integers(0, 3)
    ),
    categories=st.frozensets(st.sampled_from(["HEALTH", "SECRET", "GOV_ID", "CUSTOM"])),
    unscanned=st.lists(st.sampled_from(["image", "file_id"]), unique=True).map(tuple),
    failed=st.lists(st.sampled_from(["patterns"]), unique=True).map(tuple),
)


@given(LABELS, LABELS, st.frozensets(st.sampled_from(["US_SSN", "API_KEY"])))
def test_the_label_of_the_rest_forgets_nothing_but_what_was_replaced(original, again, replaced) -> None:
    left = left_over(original, again, replaced, Settings())
    assert left.level >= again.level
    assert left.types.keys() >= (original.types.keys() - replaced) | again.types.keys()
    assert left.categories >= again.categories
    assert set(left.failed) >= set(original.failed)
    assert set(left.unscanned) >= set(original.unscanned)
    for type_ in original.types.keys() - replaced:
        assert left.level >= Settings().level(type_)
    for category in original.categories - {CATEGORIES[type_] for type_ in original.types}:
        assert category in left.categories
        assert left.level is Level.RESTRICTED


@given(LABELS, LABELS, st.frozensets(st.sampled_from(["US_SSN", "API_KEY"])))
def test_the_proof_s_least_is_never_more_than_what_is_left(original, again, replaced) -> None:
    original = replace(original, categories=frozenset(CATEGORIES[type_] for type_ in original.types))
    if original.failed or original.unscanned or not original.types:
        assert least(original, {}) is original
        return
    left = left_over(original, again, replaced, Settings())
    assert least(original, {}).level <= left.level
    assert least(original, {}).categories <= left.categories


@given(
    st.lists(st.text("ab-.1 ", min_size=1).map(str.strip).filter(bool), min_size=1, max_size=5),
    st.text("ab-.1 "),
)
def test_values_are_found_where_they_stand_by_themselves(values: list[str], text: str) -> None:
    for value in values:
        assert standing(value, values) == [(0, len(value))]
    places = standing(text, values)
    assert places == sorted(places)
    for (_, end), (start, _) in pairwise(places):
        assert end <= start
    covered = {at for start, end in places for at in range(start, end)}
    alone = (
        m for v in values for m in re.finditer(rf"(?=(?<!\w){re.escape(v)})", text) if re.match(r"\w", v)
    )
    for match in alone:  # whatever stands by itself is replaced, or overlaps with what is
        value = next(v for v in values if text.startswith(v, match.start()))
        end = match.start() + len(value)
        if not re.match(r"\w\w", text[end - 1 : end + 1]):
            assert covered & set(range(match.start(), end))


@pytest.mark.parametrize(
    ("text", "there"), [("xa-1", False), ("a-12", False), ("(a-1)", True), ("a-1.", True)]
)
def test_a_part_of_a_word_is_no_value(text: str, there: bool) -> None:
    assert bool(standing(text, ["a-1"])) is there
    assert replaced(text, {"a-1": "[X_1]"}) == text.replace("a-1", "[X_1]" if there else "a-1")
