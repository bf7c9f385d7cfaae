"""Functions as chat had them before tools: carried to Anthropic, and its answers back in the old form."""

import json
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.call import Call
from adapters.declared import answered, declared, streamed
from adapters.dialects import chat
from adapters.document import parse

_FUNCTION = {"name": "weather", "description": "d", "parameters": {"type": "object"}}
_USER = {"role": "user", "content": "How is Oslo?"}
_USAGE = {"input_tokens": 3, "output_tokens": 5}


def _call(**body: Any) -> Call:
    values = {"model": "m", "messages": [_USER], "functions": [_FUNCTION], **body}
    return chat.read(parse(json.dumps(values).encode()))


def _sent(**body: Any) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(Anthropic().outgoing(_call(**body), "claude-sonnet-4-5").body)
    return sent


@pytest.mark.parametrize(
    ("asked", "choice"),
    [
        (None, {"type": "auto"}),
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ({"name": "weather"}, {"type": "tool", "name": "weather"}),
    ],
)
def test_functions_are_tools_of_which_one_is_called(asked: Any, choice: dict[str, Any]) -> None:
    sent = _sent(function_call=asked)
    assert [tool["name"] for tool in sent["tools"]] == ["weather"]
    one = {} if choice["type"] == "none" else {"disable_parallel_tool_use": True}
    assert sent["tool_choice"] == choice | one


def test_a_result_belongs_to_the_call_before_it() -> None:
    calling = {
        "role": "assistant",
        "content": None,
        "function_call": {"name": "weather", "arguments": '{"a":1}'},
    }
    result = {"role": "function", "name": "weather", "content": "rain"}
    turns = [_USER, calling, result, calling, result]
    blocks = [block for message in _sent(messages=turns)["messages"] for block in message["content"]]
    calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    assert len(set(calls)) == 2
    assert [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"] == calls
    assert [block["input"] for block in blocks if block["type"] == "tool_use"] == [{"a": 1}] * 2


def _answer(content: list[Any], reason: str) -> bytes:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "c", "content": content}
    return json.dumps({**message, "stop_reason": reason, "usage": _USAGE}).encode()


def test_an_answer_that_calls_is_in_the_old_form() -> None:
    block = {"type": "tool_use", "id": "t", "name": "weather", "input": {"city": "Oslo"}}
    relay = Anthropic().relay(_call(), "claude-sonnet-4-5", ())
    relay.feed(_answer([block], "tool_use"))
    told = relay.finish()
    (choice,) = json.loads(told)["choices"]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {"name": "weather", "arguments": '{"city":"Oslo"}'}
    assert "tool_calls" not in choice["message"]
    read = answered("chat", told)
    assert read is not None
    assert [part.name for part in read.parts if hasattr(part, "arguments")] == ["weather"]
    assert declared(_call()).tools is None, "what is declared in the old form is not judged"


def test_an_answer_in_words_is_as_ever() -> None:
    relay = Anthropic().relay(_call(), "claude-sonnet-4-5", ())
    relay.feed(_answer([{"type": "text", "text": "Rain."}], "end_turn"))
    (choice,) = json.loads(relay.finish())["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("stop", "Rain.")


@pytest.mark.parametrize("calls", [1, 2])
def test_a_stream_that_calls_is_in_the_old_form_which_has_one_call(calls: int) -> None:
    call = {"type": "tool_use", "id": "t", "name": "weather", "input": {}}
    pieces = [{"type": "input_json_delta", "partial_json": part} for part in ('{"city":', '"Oslo"}')]
    events = [
        {"type": "message_start", "message": {"id": "msg_1", "model": "c", "usage": _USAGE}},
        *(
            event
            for index in range(calls)
            for event in (
                {"type": "content_block_start", "index": index, "content_block": {**call, "id": f"t{index}"}},
                *({"type": "content_block_delta", "index": index, "delta": delta} for delta in pieces),
                {"type": "content_block_stop", "index": index},
            )
        ),
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    relay = Anthropic().relay(_call(stream=True), "claude-sonnet-4-5", ())
    wire = b"".join(b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events)
    told = relay.feed(wire) + relay.finish()
    chunks = [json.loads(line[6:]) for line in told.split(b"\n") if line.startswith(b"data: {")]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    called = [delta["function_call"] for delta in deltas if "function_call" in delta]
    assert called[0]["name"] == "weather"
    assert "".join(each["arguments"] for each in called) == '{"city":"Oslo"}'
    assert chunks[-1]["choices"][0]["finish_reason"] == "function_call"
    assert b"tool_calls" not in told
    read = streamed("chat", told)
    assert read is not None
    assert [part.arguments for part in read.parts if hasattr(part, "arguments")] == ['{"city":"Oslo"}']


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (
            "messages",
            {"messages": [{"role": "system", "content": [{"type": "tool_addition", "tool": {"name": "x"}}]}]},
        ),
        ("responses", {"input": [{"type": "additional_tools", "tools": []}]}),
    ],
)
def test_tools_that_stand_in_the_conversation_are_not_judged_either(dialect: Any, body: Any) -> None:
    document = parse(json.dumps({"model": "m", "tools": [], **body}).encode())
    assert declared(Call(dialect, document, stream=False, wants_usage=True)).tools is None
    plain = parse(b'{"model":"m","messages":[{"role":"user","content":["x"]}],"input":"x"}')
    assert declared(Call(dialect, plain, stream=False, wants_usage=True)).tools == {}
