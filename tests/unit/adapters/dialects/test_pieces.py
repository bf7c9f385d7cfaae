"""A large body written in pieces is the same JSON, whatever it holds, and its messages go as they are written."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.anthropic import Anthropic
from adapters.call import Call
from adapters.dialects import pieces
from adapters.dialects.encoding import to_json
from adapters.dialects.pieces import to_body
from adapters.document import AT_ONCE, Pieces, parse
from adapters.openai import OpenAI

TEXTS = st.text(max_size=40) | st.text(st.sampled_from('"\\\n\ud800\udc00é😀x'), max_size=200)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)


@pytest.fixture(autouse=True)
def nothing_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_SHORT", 100)
    monkeypatch.setattr(pieces, "_PART", 300)


@given(st.dictionaries(TEXTS, VALUES, max_size=4), st.lists(VALUES, max_size=6))
def test_it_is_the_same_json(body: dict[str, Any], messages: list[Any]) -> None:
    body["messages"] = messages
    expected = json.loads(json.dumps(body))
    try:
        at_once: bytes | None = orjson.dumps(body)
    except TypeError:
        at_once = None  # the slower encoder escapes whatever it is given: all of it here, a piece there
    written = to_body(body, large=True)
    assert json.loads(bytes(written)) == expected
    assert len(written) == len(bytes(written))
    assert body["messages"] == []
    assert at_once in (None, bytes(written))


def test_a_small_one_is_written_at_once_and_stays() -> None:
    body = {"messages": [{"role": "user", "content": "x" * 1000}]}
    assert to_body(body, large=False) == to_json(body)
    assert len(body["messages"]) == 1


@pytest.mark.parametrize("backend", [Anthropic(api_key="k"), OpenAI(api_key="k")])
@pytest.mark.parametrize("count", [1, 5_000])
def test_a_large_request_for_another_dialect_is_rebuilt_as_a_small_one_is(
    backend: Anthropic | OpenAI, count: int
) -> None:
    text = "word " * (AT_ONCE // 4 // count)
    messages = [{"role": ("user", "assistant")[i % 2], "content": f"{i} {text}"} for i in range(count)]
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": messages}).encode()
    dialect = "chat" if isinstance(backend, Anthropic) else "messages"
    document = parse(body)
    sent = backend.outgoing(Call(dialect, document, stream=False, wants_usage=False), "m").body  # type: ignore[arg-type]  # any of them
    assert document.large
    assert isinstance(sent, Pieces)
    told = json.loads(bytes(sent))["messages"]
    assert len(told) == count
    assert [json.dumps(each["content"]).count(text.strip()) for each in told] == [1] * count
    assert document.values == json.loads(body)  # another target may be tried with it


def test_neighbours_of_one_role_are_joined_in_time_proportional_to_them() -> None:
    """Each with all before it would be five thousand million steps, and no end of this test."""
    items = [
        {"type": "function_call", "call_id": f"{i}", "name": "f", "arguments": "{}"} for i in range(100_000)
    ]
    values = {"model": "m", "input": [{"role": "user", "content": "x"}, *items]}
    document = parse(json.dumps(values).encode())
    call = Call("responses", document, stream=False, wants_usage=True)
    told = json.loads(bytes(Anthropic(api_key="k").outgoing(call, "m").body))["messages"]
    assert [len(each["content"]) for each in told] == [1, 100_000]
