"""Chat requests for Anthropic and messages requests for those who speak chat, beyond the field's known bugs."""

import base64
import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.anthropic import Anthropic
from adapters.call import Call
from adapters.dialects import chat
from adapters.dialects.messages.models import abilities
from adapters.document import parse
from adapters.errors import Unsupported
from adapters.openai import OpenAI
from adapters.vllm import VLLM

_USER = {"role": "user", "content": "hi"}
_TOOL = {
    "type": "function",
    "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
}
_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def _to_claude(model: str = "claude-sonnet-4-5", **body: Any) -> dict[str, Any]:
    call = chat.read(parse(json.dumps({"model": "m", "messages": [_USER], **body}).encode()))
    return json.loads(Anthropic().outgoing(call, model).body)


def _to_chat(**body: Any) -> dict[str, Any]:
    values = {"model": "m", "max_tokens": 9, "messages": [_USER], **body}
    call = Call("messages", parse(json.dumps(values).encode()), bool(body.get("stream")), wants_usage=True)
    return json.loads(OpenAI().outgoing(call, "gpt").body)


def test_a_plain_request() -> None:
    assert _to_claude(max_tokens=5, temperature=0.5, top_p=0.9, stop="x", user="u", service_tier="default") == {
        "model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "max_tokens": 5, "temperature": 0.5, "top_p": 0.9, "stop_sequences": ["x"], "metadata": {"user_id": "u"},
        "service_tier": "standard_only",
    }  # fmt: skip


def test_tools() -> None:
    tools = _to_claude(tools=[_TOOL])["tools"]
    assert tools == [{"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": True}]
    assert "strict" not in _to_claude("claude-3-7-sonnet-latest", tools=[_TOOL])["tools"][0]
    assert _to_chat(tools=tools)["tools"] == [_TOOL]
    bare = _to_claude(tools=[{"type": "function", "function": {"name": "f"}}])["tools"]
    assert bare == [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        ("auto", None, {"type": "auto"}),
        ("none", False, {"type": "none"}),
        ("required", True, {"type": "any"}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"type": "function", "function": {"name": "f"}}, None, {"type": "tool", "name": "f"}),
    ],
)
def test_tool_choice_there_and_back(choice: Any, parallel: bool | None, expected: Any) -> None:
    there = _to_claude(tools=[_TOOL], tool_choice=choice, parallel_tool_calls=parallel)
    assert there.get("tool_choice") == expected
    back = _to_chat(tools=there["tools"], tool_choice=expected)
    assert back.get("tool_choice") == (choice or ("auto" if expected else None))
    assert "tool_choice" not in _to_claude(tool_choice="auto")


def test_a_tool_loop_there_and_back() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
    turns = [
        _USER,
        {"role": "assistant", "content": "see", "tool_calls": [call, {**call, "id": "b"}]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": ""},
        {"role": "user", "content": "so?"},
    ]
    there = _to_claude(messages=turns)["messages"]
    assert [turn["role"] for turn in there] == ["user", "assistant", "user"]
    assert [block["type"] for block in there[2]["content"]] == ["tool_result", "tool_result", "text"]
    assert there[2]["content"][1]["content"] == []
    assert _to_chat(messages=there)["messages"] == turns


def test_a_failed_tool_says_so() -> None:
    result = {"type": "tool_result", "tool_use_id": "a", "content": "no", "is_error": True}
    assert _to_chat(messages=[{"role": "user", "content": [result]}])["messages"][0]["content"] == "Error: no"


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-opus-4-7"])
def test_json_answers_by_format(model: str) -> None:
    asked = {"type": "json_schema", "json_schema": {"name": "n", "schema": _SCHEMA, "strict": True}}
    body = _to_claude(model, response_format=asked, tools=[_TOOL])
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": _SCHEMA}}
    back = _to_chat(output_config=body["output_config"])["response_format"]
    assert back["json_schema"]["schema"] == _SCHEMA
    assert _to_chat(output_format=body["output_config"]["format"])["response_format"] == back


@pytest.mark.parametrize(
    ("model", "asked", "schema"),
    [
        ("claude-3-5-haiku", {"type": "json_schema", "json_schema": {"schema": _SCHEMA}}, _SCHEMA),
        ("claude-opus-4-7", {"type": "json_object"}, {"type": "object"}),
    ],
)
def test_json_answers_by_forced_tool(model: str, asked: Any, schema: Any) -> None:
    body = _to_claude(model, response_format=asked)
    assert body["tools"][0]["input_schema"] == schema
    assert body["tool_choice"] == {"type": "tool", "name": body["tools"][0]["name"]}
    with pytest.raises(Unsupported):
        _to_claude(model, response_format=asked, tools=[_TOOL])


def test_text_documents_are_decoded() -> None:
    data = base64.b64encode("é".encode()).decode()
    part = {"type": "file", "file": {"filename": "a.txt", "file_data": f"data:text/plain;base64,{data}"}}
    block = _to_claude(messages=[{"role": "user", "content": [part]}])["messages"][0]["content"][0]
    assert block["source"] == {"type": "text", "media_type": "text/plain", "data": "é"}
    assert _to_chat(messages=[{"role": "user", "content": [block]}])["messages"][0]["content"] == [
        {"type": "text", "text": "é"}
    ]


_REFUSED = [
    ("logprobs", {"logprobs": True}),
    ("frequency_penalty", {"frequency_penalty": 0.5}),
    ("logit_bias", {"logit_bias": {"1": 2}}),
    ("store", {"store": True}),
    ("audio", {"audio": {"voice": "x"}}),
    ("functions", {"functions": [{"name": "f"}], "tools": [_TOOL]}),
    ("guided_json", {"guided_json": {}}),
    ("service_tier", {"service_tier": "flex"}),
    ("temperature", {"temperature": 1.5}),
    ("reasoning_effort", {"reasoning_effort": "enormous"}),
    ("response_format", {"response_format": {"type": "grammar"}}),
    ("tool_choice", {"tool_choice": {"type": "allowed_tools"}}),
    ("messages[0].content[0].type", {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}),
    ("messages[0].role", {"messages": [{"role": "critic", "content": "x"}]}),
    (
        "messages[0].tool_calls[0].type",
        {"messages": [{"role": "assistant", "tool_calls": [{"type": "custom"}]}]},
    ),
    (
        "messages",
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "ftp://x"}]}]},
    ),
]


@pytest.mark.parametrize(("field", "body"), _REFUSED, ids=[field for field, _ in _REFUSED])
def test_what_anthropic_cannot_do_is_refused_by_name(field: str, body: dict[str, Any]) -> None:
    with pytest.raises(Unsupported) as refused:
        _to_claude(**body)
    assert refused.value.field == field


def test_what_asks_for_nothing_and_hints_pass() -> None:
    body = _to_claude(
        n=1, logprobs=False, logit_bias={}, store=False, seed=1, prediction={"content": "x"}, verbosity="low",
        metadata={"theirs": "x"}, prompt_cache_key="k", stop=None, modalities=["text"], frequency_penalty=0,
    )  # fmt: skip
    assert set(body) == {"model", "messages", "max_tokens"}


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("mcp_servers", {"mcp_servers": [{"url": "u"}]}),
        ("container", {"container": "c"}),
        ("output_config.effort", {"output_config": {"effort": "enormous"}}),
        ("output_config.format", {"output_config": {"format": {"type": "grammar"}}}),
        ("tool_choice", {"tool_choice": {"type": "odd"}}),
        ("messages[0].role", {"messages": [{"role": "tool", "content": "x"}]}),
        ("messages", {"messages": [{"role": "assistant", "content": [{"type": "server_tool_use"}]}]}),
        ("messages[0].content[0].source", {"messages": [{"role": "user", "content": [{"type": "image"}]}]}),
    ],
)
def test_what_chat_cannot_do_is_refused_by_name(field: str, body: dict[str, Any]) -> None:
    with pytest.raises(Unsupported) as refused:
        _to_chat(**body)
    assert refused.value.field == field


def test_a_session_record_is_no_user() -> None:
    assert "user" not in _to_chat(metadata={"user_id": "x" * 65})
    assert _to_chat(metadata={"user_id": "x" * 64})["user"] == "x" * 64


@pytest.mark.parametrize(
    ("model", "thinking", "schema"),
    [
        ("claude-3-haiku-20240307", "none", False),
        ("claude-3-5-sonnet-20241022", "none", False),
        ("claude-3-7-sonnet-20250219", "budget", False),
        ("claude-sonnet-4-20250514", "budget", False),
        ("claude-haiku-4-5-20251001", "budget", True),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "budget", True),
        ("claude-opus-4-6", "adaptive", True),
        ("claude-opus-5", "adaptive", True),
        ("our-own-alias", "adaptive", True),
    ],
)
def test_what_a_name_says_of_a_model(model: str, thinking: str, schema: bool) -> None:
    able = abilities(model)
    assert (able.thinking, able.schema) == (thinking, schema)


def test_text_that_orjson_refuses_is_carried() -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "\ud800"}]}).encode()
    sent = Anthropic().outgoing(chat.read(parse(body)), "claude").body
    assert json.loads(sent)["messages"][0]["content"][0]["text"] == "\ud800"


_RICH_CHAT: dict[str, Any] = {
    "model": "m", "stream": False, "tools": [_TOOL], "tool_choice": "auto", "temperature": 0.5, "stop": ["x"],
    "response_format": {"type": "json_schema", "json_schema": {"schema": _SCHEMA}}, "reasoning_effort": "low",
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": "https://x"},
                                     {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA"}}]},
        {"role": "assistant", "thinking_blocks": [{"type": "thinking", "signature": "s"}],
         "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "r"},
    ],
}  # fmt: skip
_RICH_MESSAGES: dict[str, Any] = {
    "model": "m", "max_tokens": 9, "system": [{"type": "text", "text": "s"}], "tool_choice": {"type": "auto"},
    "tools": [{"name": "f", "input_schema": {}}], "thinking": {"type": "enabled", "budget_tokens": 1024},
    "metadata": {"user_id": "u"}, "output_config": {"effort": "low"},
    "messages": [
        {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "https://x"}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a",
                                      "content": [{"type": "text", "text": "r"}]}]},
    ],
}  # fmt: skip
_JUNK = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=3)
    | st.just([])
    | st.just({})
    | st.just([1])
    | st.just({"a": 1})
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, item in inner for deeper in _paths(item, (*path, key)))]


class _ChattingEngine(OpenAI):
    """An engine that speaks chat alone, so that messages must be translated."""

    engine = True


@given(data=st.data(), backend=st.sampled_from([Anthropic(), _ChattingEngine(), VLLM()]), junk=_JUNK)
def test_values_of_the_wrong_kind_are_refused_or_carried_but_never_crash(
    data: Any, backend: Any, junk: Any
) -> None:
    dialect = "chat" if isinstance(backend, Anthropic) else "messages"
    body = copy.deepcopy(_RICH_CHAT if dialect == "chat" else _RICH_MESSAGES)
    *parents, last = data.draw(st.sampled_from(_paths(body)[1:]))
    holder: Any = body
    for key in parents:
        holder = holder[key]
    holder[last] = junk
    document = parse(json.dumps(body).encode())
    try:
        call = chat.read(document) if dialect == "chat" else Call("messages", document, False, True)
        assert json.loads(backend.outgoing(call, "claude-sonnet-4-5").body)
    except (Unsupported, chat.InvalidRequest) as refused:
        assert str(refused)  # noqa: PT017  # either way is right; a crash is not
