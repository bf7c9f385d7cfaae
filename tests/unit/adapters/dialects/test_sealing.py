"""Thoughts sealed into reasoning items, and out of them again for their maker alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.chat import Thinking
from adapters.dialects.responses.answer import reasoning
from adapters.dialects.responses.sealing import of_engine, of_openai, opened, sealed

_words = st.text()
_seals = st.text(min_size=1)


@given(_words, _seals)
def test_a_signed_thought_comes_out_as_it_went_in(text: str, signature: str) -> None:
    thought = Thinking(text, signature)
    assert opened(reasoning("rs_1", thought)) == thought


@given(_seals)
def test_a_sealed_thought_keeps_its_seal_and_has_no_words(seal: str) -> None:
    thought = Thinking("", redacted=seal)
    assert opened(reasoning("rs_1", thought)) == thought


@given(_words)
def test_a_thought_that_nobody_signed_is_open(text: str) -> None:
    thought = opened(reasoning("rs_1", Thinking(text)))
    assert thought == Thinking(text)
    assert thought.open


def test_words_in_several_parts_are_one_thought() -> None:
    item = {"type": "reasoning", "encrypted_content": "weir.signed:s",
            "summary": [{"text": "a"}, {"text": None}, {}, {"text": "b"}]}  # fmt: skip
    assert opened(item) == Thinking("ab", "s")
    assert opened({**item, "summary": None}) == Thinking("", "s")


@pytest.mark.parametrize(
    "seal",
    [None, "", 5, ["weir.open"], "gAAAAAB", "weir", "weir.", "weir.opened", "Weir.open", "weir.signed"],
)
def test_what_weir_did_not_seal_is_no_thought_of_its_own(seal: Any) -> None:
    assert opened({"type": "reasoning", "encrypted_content": seal, "summary": [{"text": "a"}]}) is None
    assert opened({"type": "reasoning"}) is None


@pytest.mark.parametrize("thought", [Thinking("a"), Thinking("a", "s"), Thinking("", redacted="r")])
def test_what_weir_sealed_goes_to_nobody_else(thought: Thinking) -> None:
    item = reasoning("rs_1", thought)
    assert not of_openai(item)
    assert not of_engine(item)
    assert sealed(thought) == item["encrypted_content"]


def test_whose_a_reasoning_item_is() -> None:
    openais = {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAAA", "summary": []}
    stored = {"type": "reasoning", "id": "rs_1", "summary": []}
    engines = {"type": "reasoning", "id": "rs_1", "content": [{"type": "reasoning_text", "text": "a"}]}
    assert [of_openai(item) for item in (openais, stored, engines)] == [True, True, False]
    assert [of_engine(item) for item in (openais, stored, engines)] == [False, True, True]
