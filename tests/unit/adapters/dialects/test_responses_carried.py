"""Responses requests to those who speak another dialect: what becomes of them, and what is refused."""

import json
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.dialects import responses
from adapters.dialects.chat import read as read_chat
from adapters.document import parse
from adapters.errors import Unsupported
from adapters.openai import OpenAI
from adapters.vllm import VLLM
from tests.unit.adapters.dialects.responses_asked import (
    CHAT_ONLY,
    SQL,
    WEATHER,
    responses_call,
    to_chat,
    to_messages,
)


@pytest.mark.parametrize("backend", [VLLM(), CHAT_ONLY, Anthropic()], ids=["vllm", "chat", "messages"])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"store": True}, "store"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": [{"id": "msg_1"}]}, "input[0]"),
        ({"tools": [WEATHER, {"type": "web_search"}]}, "tools[1].type"),
        ({"tools": [{"type": "mcp", "server_label": "s"}]}, "tools[0].type"),
        ({"tools": [{"type": "computer_use_preview"}]}, "tools[0].type"),
    ],
)
def test_what_only_openai_keeps_or_runs(backend: Any, body: dict[str, Any], field: str) -> None:
    assert OpenAI().outgoing(responses_call(**body), "gpt-5").path == b"/v1/responses"
    with pytest.raises(Unsupported) as refused:
        backend.outgoing(responses_call(**body), "m")
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"truncation": "auto"}, "truncation"),
        ({"include": ["message.output_text.logprobs"]}, "include"),
        ({"something_new": 1}, "something_new"),
        ({"tools": [{**SQL, "format": {"type": "grammar", "syntax": "lark"}}]}, "tools[0].format"),
        ({"tool_choice": {"type": "web_search_preview"}}, "tool_choice"),
        ({"text": {"format": {"type": "xml"}}}, "text.format"),
        ({"reasoning": {"effort": "heroic"}}, "reasoning.effort"),
        ({"input": [{"type": "web_search_call", "id": "ws_1"}]}, "input[0].type"),
        ({"input": [{"role": "critic", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "input[0].content[0].type"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "gs://x"}]}]},
            "input[0].content[0]",
        ),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}]}, "input"),
        ({"tools": [WEATHER, 5]}, None),
    ],
)
def test_what_cannot_be_carried_is_refused_in_the_clients_words(
    body: dict[str, Any], field: str | None
) -> None:
    with pytest.raises((Unsupported, responses.InvalidRequest)) as refused:
        CHAT_ONLY.outgoing(responses_call(**body), "m")
    assert field is None or refused.value.field == field  # type: ignore[union-attr]  # Unsupported, then


def test_what_asks_nothing_is_no_reason_to_refuse() -> None:
    sent = to_chat(
        truncation="disabled",
        store=False,
        background=False,
        top_logprobs=0,
        metadata={"a": "b"},
        prompt=None,
        include=["reasoning.encrypted_content"],
        text={"format": {"type": "text"}, "verbosity": "low"},
    )
    assert sent == {"model": "theirs", "messages": [{"role": "user", "content": "hi"}]}


def test_a_conversation_becomes_chat() -> None:
    image = {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"}
    sent = to_chat(
        instructions="Be brief.",
        input=[
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "input_text", "text": "Compare."}, image]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Looking."}]},
            {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city":"Ulm"}'},
            {"type": "custom_tool_call", "call_id": "c2", "name": "run_sql", "input": "SELECT 1"},
            {"type": "function_call_output", "call_id": "c1", "output": "rain"},
            {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "1"}]},
            {"role": "user", "content": "And?"},
        ],
    )  # fmt: skip
    roles = [message["role"] for message in sent["messages"]]
    assert roles == ["system", "system", "user", "assistant", "tool", "tool", "user"]
    assert sent["messages"][2]["content"][1] == {
        "type": "image_url",
        "image_url": {"url": "https://x/y.png", "detail": "low"},
    }
    assistant = sent["messages"][3]
    assert assistant["content"] == "Looking."
    assert [(c["id"], c["function"]["name"]) for c in assistant["tool_calls"]] == [
        ("c1", "weather"),
        ("c2", "run_sql"),
    ]
    assert json.loads(assistant["tool_calls"][1]["function"]["arguments"]) == {"input": "SELECT 1"}
    assert [m["content"] for m in sent["messages"][4:]] == ["rain", "1", "And?"]
    read_chat(parse(json.dumps(sent).encode()))


def test_options_become_chats() -> None:
    sent = to_chat(
        stream=True, max_output_tokens=99, temperature=0.5, top_p=0.9, parallel_tool_calls=False, user="u",
        tools=[WEATHER, SQL], tool_choice={"type": "custom", "name": "run_sql"}, reasoning={"effort": "low"},
        text={"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}, "strict": True}},
    )  # fmt: skip
    assert (sent["stream"], sent["stream_options"]) == (True, {"include_usage": True})
    assert (sent["max_completion_tokens"], sent["temperature"], sent["top_p"], sent["user"]) == (
        99,
        0.5,
        0.9,
        "u",
    )
    assert (sent["parallel_tool_calls"], sent["reasoning_effort"]) == (False, "low")
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "run_sql"}}
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["weather", "run_sql"]
    assert sent["tools"][1]["function"]["parameters"]["required"] == ["input"]
    assert sent["response_format"]["json_schema"] == {
        "name": "a",
        "schema": {"type": "object"},
        "strict": True,
    }


def test_what_is_left_out_leaves_no_empty_message() -> None:
    sealed = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    sent = to_chat(input=[{"role": "user", "content": "a"}, sealed, {"role": "user", "content": "b"}])
    assert [(m["role"], m["content"]) for m in sent["messages"]] == [("user", "a"), ("user", "b")]


def test_a_tool_is_strict_only_where_that_was_asked() -> None:
    sent = to_chat(tools=[WEATHER, {**WEATHER, "name": "other", "strict": True}])
    assert [tool["function"].get("strict", False) for tool in sent["tools"]] == [False, True]


def test_only_allowed_tools_are_offered() -> None:
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "run_sql"}]}
    sent = to_chat(tools=[WEATHER, SQL], tool_choice=choice)
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["run_sql"]
    assert sent["tool_choice"] == "required"


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [WEATHER], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [WEATHER]}},
        {"input": [{"role": "assistant", "content": [{"type": "output_text", "text": "a"}] * 2}]},
    ],
    ids=["allowed tools", "several parts"],
)
def test_what_vllms_responses_overlook_goes_through_its_chat(body: dict[str, Any]) -> None:
    call = responses_call(**body)
    assert VLLM().outgoing(call, "m").path == b"/v1/chat/completions"
    relay = VLLM().relay(call, "m", ())
    relay.feed(b'{"id":"1","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}')
    assert json.loads(relay.finish())["object"] == "response"


def test_vllm_is_given_all_else_as_it_came() -> None:
    format_ = {"type": "json_schema", "name": "a", "schema": {}}
    spaces = {"type": "namespace", "name": "n", "tools": [WEATHER]}
    call = responses_call(
        tools=[WEATHER, SQL, spaces], text={"format": format_}, input=[{"role": "user", "content": "x"}]
    )
    assert VLLM().outgoing(call, "m").path == b"/v1/responses"


def test_json_held_to_a_tools_arguments_comes_back_as_text() -> None:
    """An older Claude answers in JSON by a forced tool, which the client must not see."""
    call = responses_call(text={"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}}})
    backend, model = Anthropic(clock=lambda: 1.0), "claude-3-5-haiku-latest"
    tool = json.loads(backend.outgoing(call, model).body)["tools"][0]["name"]
    relay = backend.relay(call, model, ())
    used = {"type": "tool_use", "id": "t", "name": tool, "input": {"a": 1}}
    answer = {"id": "1", "content": [used], "stop_reason": "tool_use", "usage": {"output_tokens": 1}}
    relay.feed(json.dumps(answer).encode())
    response = json.loads(relay.finish())
    assert [item["type"] for item in response["output"]] == ["message"]
    assert json.loads(response["output"][0]["content"][0]["text"]) == {"a": 1}


def _thinking_answer() -> list[dict[str, Any]]:
    """The items a client has after Claude thought and called a tool."""
    content = [
        {"type": "thinking", "thinking": "Rain?", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "c2VhbGVk"},
        {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Ulm"}},
    ]
    answer = {
        "id": "msg_1",
        "model": "c",
        "content": content,
        "stop_reason": "tool_use",
        "usage": {"output_tokens": 1},
    }
    relay = Anthropic().relay(responses_call(tools=[WEATHER]), "claude-sonnet-4-6", ())
    relay.feed(json.dumps(answer).encode())
    items: list[dict[str, Any]] = json.loads(relay.finish())["output"]
    return [*items, {"type": "function_call_output", "call_id": "t1", "output": "rain"}]


def test_signed_thinking_goes_back_to_who_signed_it() -> None:
    sent = to_messages(input=[{"role": "user", "content": "Ulm?"}, *_thinking_answer()], tools=[WEATHER])
    assert sent["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Rain?", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "c2VhbGVk"},
        {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Ulm"}},
    ]


@pytest.mark.parametrize("backend", [OpenAI(), VLLM(), CHAT_ONLY], ids=["openai", "vllm", "chat"])
def test_signed_thinking_goes_to_nobody_else(backend: Any) -> None:
    call = responses_call(input=[{"role": "user", "content": "Ulm?"}, *_thinking_answer()], tools=[WEATHER])
    sent = backend.outgoing(call, "m").body
    assert b"c2ln" not in sent
    assert b"c2VhbGVk" not in sent
    assert b"Rain?" not in sent
    assert b"t1" in sent
    assert b"rain" in sent


def test_sealed_reasoning_of_openai_goes_back_to_openai_alone() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    call = responses_call(input=[{"role": "user", "content": "x"}, item])
    assert OpenAI().outgoing(call, "m").body == json.dumps({**call.document.values, "model": "m"}).encode()
    for backend in (VLLM(), CHAT_ONLY, Anthropic()):
        assert b"gAAA" not in backend.outgoing(call, "claude-sonnet-4-6").body


def test_open_reasoning_of_an_engine_goes_back_to_an_engine_alone() -> None:
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Hm."}],
    }
    call = responses_call(input=[{"role": "user", "content": "x"}, item])
    assert b"Hm." in VLLM().outgoing(call, "m").body
    assert b"Hm." not in OpenAI().outgoing(call, "m").body
    assert responses.references(call.document.values) == ()
