"""Thinking in the stand-in for Anthropic: signed, checked when it comes back, and refused where the API refuses it."""

from typing import Any

import pytest

from gateway.sandbox import thinking
from gateway.sandbox.asks import from_messages

ASKED: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 4000,
    "messages": [{"role": "user", "content": "What is the weather in Oslo?"}],
    "thinking": {"type": "enabled", "budget_tokens": 2000},
}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "rain"}]}
USE = {"type": "tool_use", "id": "t", "name": "f", "input": {}}


def thought() -> dict[str, Any]:
    block = thinking.thought(from_messages(ASKED))
    assert block is not None
    return block


def test_a_thought_comes_only_where_it_was_asked_for() -> None:
    assert thought()["type"] == "thinking"
    assert thinking.thought(from_messages(ASKED | {"thinking": {"type": "disabled"}})) is None


def test_the_pieces_of_a_stream_are_the_block() -> None:
    *told, last = thinking.deltas(thought())
    assert "".join(delta["thinking"] for delta in told) == thought()["thinking"]
    assert last == {"type": "signature_delta", "signature": thought()["signature"]}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 100}}, "greater than or equal to 1024"),
        ({"max_tokens": 2000}, "`max_tokens` must be greater"),
        ({"tool_choice": {"type": "any"}}, "forces tool use"),
        ({"temperature": 0.5}, "`temperature` may only be set to 1"),
        (
            {"messages": [*ASKED["messages"], {"role": "assistant", "content": [USE]}, RESULT]},
            "Expected `thinking`",
        ),
    ],
)
def test_what_the_api_refuses(more: dict[str, Any], words: str) -> None:
    said = thinking.complaint(ASKED | more)
    assert said is not None
    assert words in said


@pytest.mark.parametrize("changed", [{}, {"thinking": "Something else."}, {"signature": "of-another"}])
def test_a_thought_goes_back_as_it_came(changed: dict[str, str]) -> None:
    answer = {"role": "assistant", "content": [thought() | changed, USE]}
    said = thinking.complaint(ASKED | {"messages": [*ASKED["messages"], answer, RESULT]})
    assert (said is None) is (not changed)
