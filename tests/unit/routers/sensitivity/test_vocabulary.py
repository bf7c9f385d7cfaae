"""The vocabulary: every literal that stands in a text as it is meant to is held, and nothing that does not."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routers.sensitivity.vocabulary import Literal, Vocabulary

SIGNS = "abkz -_.é(1日"
LITERALS = st.builds(Literal, st.text(SIGNS, min_size=1, max_size=9), st.booleans(), st.booleans())


def _stands(literal: Literal, text: str) -> bool:
    """The definition: somewhere, with no letter beside it where there must be none."""
    before = "(?<![a-z])" if literal.starts and re.match("[a-z]", literal.text) else ""
    behind = "(?![a-z])" if literal.ends and re.search("[a-z]$", literal.text) else ""
    return re.search(f"{before}{re.escape(literal.text)}{behind}", text) is not None


@given(st.lists(LITERALS, max_size=12), st.text(SIGNS, max_size=60))
@settings(deadline=None, max_examples=400)
def test_what_stands_in_a_text_is_held(literals, text):
    held = Vocabulary(literals).held(text)
    assert {literal for literal in literals if _stands(literal, text)} <= held
    assert all(literal.text in text for literal in held)


@given(st.lists(LITERALS, min_size=1, max_size=8), st.data())
@settings(deadline=None, max_examples=400)
def test_a_literal_is_held_wherever_it_is_put(literals, data):
    literal = data.draw(st.sampled_from(literals))
    text = f"{data.draw(st.text(SIGNS, max_size=9))} {literal.text} {data.draw(st.text(SIGNS, max_size=9))}"
    assert literal in Vocabulary(literals).held(text)


@pytest.mark.parametrize(
    ("literal", "texts", "others"),
    [
        (Literal("cancer", starts=True), ["cancer", "1 cancerous", "écancer"], ["procancer", "cance"]),
        (Literal("itis", ends=True), ["itis", "arthritis.", "itisé"], ["itisa", "it is"]),
        (Literal("pin", starts=True, ends=True), ["pin", "a_pin_", "5pin"], ["pins", "spin"]),
        (
            Literal("mot de passe", starts=True),
            ["mot de passes"],
            ["mot depasse", "de passe mot", "emot de passe"],
        ),
        (Literal("un", starts=True), ["un", "uno", "une deux"], ["fun"]),
        (Literal("ghp_", starts=True), ["ghp_a"], ["ghp a"]),
        (Literal("né", starts=True), ["né", "née"], ["ne", "n é"]),
        (Literal("entzündung", ends=True), ["darmentzündung"], ["entzündungen"]),
        (Literal("密码"), ["我的密码是"], ["密 码"]),
        (Literal("85"), ["base85"], ["8 5"]),
        (Literal("auth"), ["oauth2", "authentic"], ["aut h"]),
        (Literal("\x00"), ["a\x00b"], ["ab"]),
        (Literal("?"), ["what?", "é?"], ["what"]),
    ],
)
def test_kinds_of_literals(literal, texts, others):
    vocabulary = Vocabulary([literal, Literal("another"), Literal("anothe", starts=True)])
    assert all(vocabulary.held(text) == {literal} for text in texts)
    assert not any(vocabulary.held(text) for text in others)
