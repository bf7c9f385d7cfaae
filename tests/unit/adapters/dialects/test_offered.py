"""Tools that a provider would hold back, and conversations that it would shorten, for models that get all at once."""

import json
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.call import Dialect
from adapters.deviations import Deviations
from adapters.dialects.ingress import INGRESS
from adapters.document import parse
from adapters.errors import Unsupported
from adapters.openai import OpenAI
from adapters.vllm import VLLM

_CHAT_ONLY = OpenAI(deviations=Deviations(lacks=frozenset({"responses"})))
_USER = {"role": "user", "content": "hi"}
_SEARCH = {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}


def _tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": "d", "input_schema": {"type": "object"}, **more}


def _function(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "name": name, "parameters": {"type": "object"}, **more}


def _sent(dialect: Dialect, backend: Any = _CHAT_ONLY, **body: Any) -> dict[str, Any]:
    values = {"model": "m", **({"max_tokens": 9} if dialect == "messages" else {}), **body}
    call = INGRESS[dialect].read(parse(json.dumps(values).encode()), ())
    sent: dict[str, Any] = json.loads(backend.outgoing(call, "m").body)
    return sent


def _names(sent: dict[str, Any]) -> list[str]:
    return [tool["function"]["name"] for tool in sent.get("tools", [])]


def test_anthropics_search_is_left_out_and_what_it_would_find_is_there() -> None:
    found = {
        "type": "tool_search_tool_search_result",
        "tool_references": [{"type": "tool_reference", "tool_name": "b"}],
    }
    searched = [
        {"type": "server_tool_use", "id": "s1", "name": "tool_search_tool_bm25", "input": {"query": "b"}},
        {"type": "tool_search_tool_result", "tool_use_id": "s1", "content": found},
    ]
    turns = [
        _USER,
        {"role": "assistant", "content": [*searched, {"type": "text", "text": "So."}]},
        _USER,
        {"role": "assistant", "content": searched},
        _USER,
    ]
    sent = _sent("messages", messages=turns, tools=[_tool("a"), _tool("b", defer_loading=True), _SEARCH])
    assert _names(sent) == ["a", "b"]
    assert [each["content"] for each in sent["messages"]] == ["hi", "So.", "hi", "hi"]


def test_a_reference_in_a_tools_result_is_its_name() -> None:
    result = {
        "type": "tool_result",
        "tool_use_id": "t1",
        "content": [{"type": "tool_reference", "tool_name": "b"}],
    }
    calling = {"type": "tool_use", "id": "t1", "name": "find", "input": {}}
    turns = [_USER, {"role": "assistant", "content": [calling]}, {"role": "user", "content": [result]}]
    sent = _sent("messages", messages=turns, tools=[_tool("find"), _tool("b", defer_loading=True)])
    assert sent["messages"][-1] == {"role": "tool", "tool_call_id": "t1", "content": "b"}


def test_tools_that_are_added_or_removed_on_the_way_are_there_or_not() -> None:
    def change(kind: str, tool: dict[str, Any]) -> dict[str, Any]:
        return {"role": "system", "content": [{"type": kind, "tool": tool}]}

    named = [{"type": "tool_reference", "name": name} for name in ("a", "b", "c")]
    defined = {"type": "tool_definition", "definition": _tool("d")}
    turns = [
        _USER,
        change("tool_removal", named[0]),
        change("tool_removal", named[1]),
        change("tool_addition", named[1]),
        change("tool_addition", named[2]),
        change("tool_addition", defined),
        _USER,
    ]
    sent = _sent("messages", messages=turns, tools=[_tool("a"), _tool("b"), _tool("c", defer_loading=True)])
    assert _names(sent) == ["c", "b", "d"]
    assert [each["role"] for each in sent["messages"]] == ["user", "user"]


def test_a_summary_stands_for_what_came_before_it() -> None:
    turns = [
        {"role": "user", "content": "long ago"},
        {"role": "assistant", "content": [{"type": "compaction", "content": "It was said."},
                                          {"type": "compaction", "content": None}, {"type": "text", "text": "Yes."}]},
        _USER,
    ]  # fmt: skip
    edits = {"edits": [{"type": "compact_20260112"}]}
    sent = _sent("messages", messages=turns, context_management=edits)
    assert [each["content"] for each in sent["messages"]] == [
        [{"type": "text", "text": "It was said."}, {"type": "text", "text": "Yes."}], "hi",
    ]  # fmt: skip
    assert "long ago" not in json.dumps(sent)


def test_a_summary_that_failed_changes_nothing() -> None:
    turns = [_USER, {"role": "assistant", "content": [{"type": "compaction", "content": None}]}, _USER]
    assert len(_sent("messages", messages=turns)["messages"]) == 2


def test_what_a_search_of_the_applications_found_is_text() -> None:
    found = {
        "type": "search_result", "title": "Ruby", "source": "https://x.test/ruby",
        "content": [{"type": "text", "text": "Made in 1993."}], "citations": {"enabled": True},
    }  # fmt: skip
    sent = _sent("messages", messages=[{"role": "user", "content": [found]}])
    assert sent["messages"] == [{"role": "user", "content": "Ruby\nhttps://x.test/ruby\n\nMade in 1993."}]


@pytest.mark.parametrize("kind", ["web_search_20250305", "code_execution_20260120"])
def test_other_tools_of_anthropics_are_refused_by_name(kind: str) -> None:
    with pytest.raises(Unsupported) as refused:
        _sent("messages", messages=[_USER], tools=[_SEARCH, {"type": kind, "name": "x"}])
    assert refused.value.field == "tools[1].type"


def test_responses_tools_come_from_everywhere_once() -> None:
    items = [
        _USER,
        {"type": "tool_search_call", "execution": "server", "call_id": None, "arguments": {}},
        {"type": "tool_search_output", "execution": "server", "tools": [_function("b"), _function("c")]},
        {"type": "additional_tools", "role": "developer", "tools": [_function("d"), {"type": "custom", "name": "e"}]},
    ]  # fmt: skip
    tools = [_function("a"), _function("b", defer_loading=True), {"type": "tool_search"}]
    sent = _sent("responses", input=items, tools=tools)
    assert _names(sent) == ["a", "b", "c", "d", "e"]
    assert sent["messages"] == [_USER]
    assert "defer_loading" not in json.dumps(sent)


def test_a_search_of_the_applications_for_tools_that_nobody_named_is_refused() -> None:
    search = {"type": "tool_search", "execution": "client", "parameters": {"type": "object"}}
    held_back = _function("b", defer_loading=True)
    assert _names(_sent("responses", input="hi", tools=[search, held_back])) == ["b"]
    with pytest.raises(Unsupported) as refused:
        _sent("responses", input="hi", tools=[search, _function("a")])
    assert refused.value.field == "tools[0].type"


def test_items_that_bring_tools_need_a_model_with_tools() -> None:
    brought = {"type": "additional_tools", "role": "developer", "tools": [_function("d")]}
    assert INGRESS["responses"].needs({"input": [_USER, brought]}) == {"tools"}
    assert INGRESS["responses"].needs({"input": [_USER], "tools": []}) == set()


def test_a_tier_is_kept_by_those_who_have_it() -> None:
    assert _sent("responses", input="hi", service_tier="flex")["service_tier"] == "flex"
    assert "service_tier" not in _sent("responses", input="hi", service_tier="auto")
    overlooked = {"tools": [_function("f"), {"type": "tool_search"}], "service_tier": "flex"}
    for backend in (Anthropic(), VLLM()):
        with pytest.raises(Unsupported) as refused:
            _sent("responses", backend, input="hi", **overlooked)
        assert refused.value.field == "service_tier"


def test_an_engine_is_asked_in_chat_for_what_it_would_overlook() -> None:
    tools = [_tool("a", defer_loading=True), _SEARCH]
    assert _names(_sent("messages", VLLM(), messages=[_USER], tools=tools)) == ["a"]
    assert "input_schema" in _sent("messages", VLLM(), messages=[_USER], tools=tools[:1])["tools"][0]
    brought = {"type": "additional_tools", "role": "developer", "tools": [_function("d")]}
    assert _names(_sent("responses", VLLM(), input=[_USER, brought])) == ["d"]
    text = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}}
    shown = {"role": "user", "content": [text]}
    assert _sent("messages", VLLM(), messages=[shown])["messages"][0]["content"] == [
        {"type": "text", "text": "words"}
    ]
    assert INGRESS["messages"].needs({"messages": [shown]}) == set()


@pytest.mark.parametrize("inside", [False, True])
def test_an_engine_reads_no_documents_but_text(inside: bool) -> None:
    pdf = {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
    }
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [pdf]}
    turn = {"role": "user", "content": [result if inside else pdf]}
    with pytest.raises(Unsupported, match="no documents but text"):
        _sent("messages", VLLM(), messages=[turn])
    with pytest.raises(Unsupported):
        _sent("count_tokens", VLLM(), messages=[turn])
