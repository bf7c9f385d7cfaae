"""Responses requests: what is let in, what is asked of models, what is named, and what becomes of it elsewhere."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.anthropic import Anthropic
from adapters.deviations import Deviations
from adapters.dialects import responses
from adapters.dialects.chat import read as read_chat
from adapters.document import parse
from adapters.errors import Unsupported
from adapters.openai import OpenAI
from adapters.vllm import VLLM

_CHAT_ONLY = OpenAI(deviations=Deviations(lacks=frozenset({"responses"})))
_WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "Tells it.",
    "parameters": {"type": "object"},
}
_SQL = {"type": "custom", "name": "run_sql", "description": "Runs a query."}


def _call(**body: Any) -> Any:
    return responses.read(parse(json.dumps({"model": "m", "input": "hi", **body}).encode()))


def _chat(**body: Any) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(_CHAT_ONLY.outgoing(_call(**body), "theirs").body)
    return sent


def _messages(**body: Any) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(Anthropic().outgoing(_call(**body), "claude-sonnet-4-6").body)
    return sent


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": None}, None),
        ({"input": None}, "input"),
        ({"input": 5}, "input"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{"role": "user", "content": 5}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": ["x"]}]}, "input[0].content[0]"),
        ({"stream": "yes"}, "stream"),
        ({"tools": {}}, "tools"),
        ({"tools": ["weather"]}, "tools[0]"),
        ({"text": "json"}, "text"),
        ({"reasoning": "high"}, "reasoning"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": True}, "max_output_tokens"),
        ({"previous_response_id": 5}, "previous_response_id"),
        ({"metadata": {"workflow": 5}}, "metadata.workflow"),
        ({"background": True, "store": False}, "background"),
        ({"background": "yes"}, "background"),
    ],
)
def test_what_is_not_let_in(body: dict[str, Any], param: str | None) -> None:
    with pytest.raises(responses.InvalidRequest) as refused:
        _call(**body)
    assert refused.value.param == param


@pytest.mark.parametrize(
    "instead", [{"prompt": {"id": "pmpt_1"}}, {"conversation": "conv_1"}, {"previous_response_id": "resp_1"}]
)
def test_stored_state_may_stand_for_input(instead: dict[str, Any]) -> None:
    assert _call(input=None, **instead).dialect == "responses"


def test_what_a_model_must_be_able_to_do() -> None:
    values = _call(
        tools=[_WEATHER],
        text={"format": {"type": "json_schema", "name": "a", "schema": {}}},
        reasoning={"effort": "low"},
        max_output_tokens=64,
        include=["message.output_text.logprobs"],
        metadata={"workflow": "w", "theirs": "x"},
        input=[
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "x"}, {"type": "input_image", "image_url": "u"}],
            },
            {
                "type": "function_call_output",
                "call_id": "c",
                "output": [{"type": "input_file", "file_id": "file-1"}],
            },
        ],
    ).document.values
    assert responses.needs(values) == {"tools", "json_schema", "reasoning", "logprobs", "vision", "file"}
    assert responses.modality(values) == {"text", "image", "file"}
    assert responses.max_output_tokens(values) == 64
    assert responses.own_metadata(values) == {"workflow": "w"}
    assert responses.needs(_call().document.values) == set()


def test_own_bytes_but_for_the_model_and_weirs_metadata() -> None:
    body = b'{ "model":"auto", "input":"hi" , "metadata":{"workflow":"w","theirs":"x"},"new_field":[1, 2]}'
    sent = OpenAI().outgoing(responses.read(parse(body)), "gpt-5")
    assert sent.path == b"/v1/responses"
    assert sent.body == b'{ "model":"gpt-5", "input":"hi" , "metadata":{"theirs": "x"},"new_field":[1, 2]}'


def test_names_of_what_a_provider_keeps() -> None:
    values = _call(
        previous_response_id="resp_1",
        conversation={"id": "conv_1"},
        prompt={"id": "pmpt_1", "variables": {"doc": {"type": "input_file", "file_id": "file-1"}}},
        metadata={"file_id": "file-of-their-own"},
        tools=[
            {"type": "file_search", "vector_store_ids": ["vs_1", "vs_2"]},
            {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file-2"]}},
            {"type": "code_interpreter", "container": "cntr_1"},
            {
                "type": "function",
                "name": "f",
                "parameters": {"properties": {"file_id": {"default": "no-file"}}},
            },
        ],
        input=[
            {"type": "item_reference", "id": "msg_1"},
            {"id": "msg_2"},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gAAA"},
            {"type": "message", "id": "msg_3", "role": "assistant", "content": "hi"},
            {"role": "user", "content": [{"type": "input_image", "file_id": "file-3"}]},
        ],
    ).document.values
    assert set(responses.references(values)) == {
        "resp_1", "conv_1", "pmpt_1", "file-1", "vs_1", "vs_2", "file-2", "cntr_1", "msg_1", "msg_2", "rs_1", "file-3",
    }  # fmt: skip
    assert responses.references(_call().document.values) == ()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "file_id", "input", "prompt", "container", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(values=st.dictionaries(st.sampled_from(["input", "tools", "prompt", "conversation"]), _JSON))
def test_names_are_found_in_any_json(values: dict[str, Any]) -> None:
    assert all(isinstance(name, str) for name in responses.references(values))


def test_ids_an_answer_leaves_behind() -> None:
    note = {"type": "container_file_citation", "file_id": "cfile_1", "container_id": "cntr_2"}
    output = [
        {"id": "ci_1", "type": "code_interpreter_call", "container_id": "cntr_1"},
        {"id": "msg_1", "type": "message", "content": [{"type": "output_text", "annotations": [note]}]},
    ]
    answer = {"id": "resp_1", "output": output}
    assert set(responses.made(answer)) == {"resp_1", "ci_1", "cntr_1", "msg_1", "cfile_1", "cntr_2"}
    assert set(responses.made({**answer, "store": False})) == {"cntr_1", "cfile_1", "cntr_2"}


@pytest.mark.parametrize("backend", [VLLM(), _CHAT_ONLY, Anthropic()], ids=["vllm", "chat", "messages"])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"store": True}, "store"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": [{"id": "msg_1"}]}, "input[0]"),
        ({"tools": [_WEATHER, {"type": "web_search"}]}, "tools[1].type"),
        ({"tools": [{"type": "mcp", "server_label": "s"}]}, "tools[0].type"),
        ({"tools": [{"type": "computer_use_preview"}]}, "tools[0].type"),
    ],
)
def test_what_only_openai_keeps_or_runs(backend: Any, body: dict[str, Any], field: str) -> None:
    assert OpenAI().outgoing(_call(**body), "gpt-5").path == b"/v1/responses"
    with pytest.raises(Unsupported) as refused:
        backend.outgoing(_call(**body), "m")
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"truncation": "auto"}, "truncation"),
        ({"include": ["message.output_text.logprobs"]}, "include"),
        ({"something_new": 1}, "something_new"),
        ({"tools": [{**_SQL, "format": {"type": "grammar", "syntax": "lark"}}]}, "tools[0].format"),
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
        ({"tools": [_WEATHER, 5]}, None),
    ],
)
def test_what_cannot_be_carried_is_refused_in_the_clients_words(
    body: dict[str, Any], field: str | None
) -> None:
    with pytest.raises((Unsupported, responses.InvalidRequest)) as refused:
        _CHAT_ONLY.outgoing(_call(**body), "m")
    assert field is None or refused.value.field == field  # type: ignore[union-attr]  # Unsupported, then


def test_what_asks_nothing_is_no_reason_to_refuse() -> None:
    sent = _chat(
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
    sent = _chat(
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
    sent = _chat(
        stream=True, max_output_tokens=99, temperature=0.5, top_p=0.9, parallel_tool_calls=False, user="u",
        tools=[_WEATHER, _SQL], tool_choice={"type": "custom", "name": "run_sql"}, reasoning={"effort": "low"},
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
    sent = _chat(input=[{"role": "user", "content": "a"}, sealed, {"role": "user", "content": "b"}])
    assert [(m["role"], m["content"]) for m in sent["messages"]] == [("user", "a"), ("user", "b")]


def test_a_tool_is_strict_only_where_that_was_asked() -> None:
    sent = _chat(tools=[_WEATHER, {**_WEATHER, "name": "other", "strict": True}])
    assert [tool["function"].get("strict", False) for tool in sent["tools"]] == [False, True]


def test_only_allowed_tools_are_offered() -> None:
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "run_sql"}]}
    sent = _chat(tools=[_WEATHER, _SQL], tool_choice=choice)
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["run_sql"]
    assert sent["tool_choice"] == "required"


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [_WEATHER], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [_WEATHER]}},
        {"input": [{"role": "assistant", "content": [{"type": "output_text", "text": "a"}] * 2}]},
    ],
    ids=["allowed tools", "several parts"],
)
def test_what_vllms_responses_overlook_goes_through_its_chat(body: dict[str, Any]) -> None:
    call = _call(**body)
    assert VLLM().outgoing(call, "m").path == b"/v1/chat/completions"
    relay = VLLM().relay(call, "m", ())
    relay.feed(b'{"id":"1","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}')
    assert json.loads(relay.finish())["object"] == "response"


def test_vllm_is_given_all_else_as_it_came() -> None:
    format_ = {"type": "json_schema", "name": "a", "schema": {}}
    spaces = {"type": "namespace", "name": "n", "tools": [_WEATHER]}
    call = _call(
        tools=[_WEATHER, _SQL, spaces], text={"format": format_}, input=[{"role": "user", "content": "x"}]
    )
    assert VLLM().outgoing(call, "m").path == b"/v1/responses"


def test_json_held_to_a_tools_arguments_comes_back_as_text() -> None:
    """An older Claude answers in JSON by a forced tool, which the client must not see."""
    call = _call(text={"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}}})
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
    relay = Anthropic().relay(_call(tools=[_WEATHER]), "claude-sonnet-4-6", ())
    relay.feed(json.dumps(answer).encode())
    items: list[dict[str, Any]] = json.loads(relay.finish())["output"]
    return [*items, {"type": "function_call_output", "call_id": "t1", "output": "rain"}]


def test_signed_thinking_goes_back_to_who_signed_it() -> None:
    sent = _messages(input=[{"role": "user", "content": "Ulm?"}, *_thinking_answer()], tools=[_WEATHER])
    assert sent["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Rain?", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "c2VhbGVk"},
        {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Ulm"}},
    ]


@pytest.mark.parametrize("backend", [OpenAI(), VLLM(), _CHAT_ONLY], ids=["openai", "vllm", "chat"])
def test_signed_thinking_goes_to_nobody_else(backend: Any) -> None:
    call = _call(input=[{"role": "user", "content": "Ulm?"}, *_thinking_answer()], tools=[_WEATHER])
    sent = backend.outgoing(call, "m").body
    assert b"c2ln" not in sent
    assert b"c2VhbGVk" not in sent
    assert b"Rain?" not in sent
    assert b"t1" in sent
    assert b"rain" in sent


def test_sealed_reasoning_of_openai_goes_back_to_openai_alone() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    call = _call(input=[{"role": "user", "content": "x"}, item])
    assert OpenAI().outgoing(call, "m").body == json.dumps({**call.document.values, "model": "m"}).encode()
    for backend in (VLLM(), _CHAT_ONLY, Anthropic()):
        assert b"gAAA" not in backend.outgoing(call, "claude-sonnet-4-6").body


def test_open_reasoning_of_an_engine_goes_back_to_an_engine_alone() -> None:
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Hm."}],
    }
    call = _call(input=[{"role": "user", "content": "x"}, item])
    assert b"Hm." in VLLM().outgoing(call, "m").body
    assert b"Hm." not in OpenAI().outgoing(call, "m").body
    assert responses.references(call.document.values) == ()
