"""Answers on their way to a client of another dialect, beyond the field's known bugs."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.anthropic import Anthropic
from adapters.call import Backend, Call, Relay
from adapters.chat import TokenUsage
from adapters.dialects import chat
from adapters.document import AT_ONCE, parse
from adapters.errors import StreamCut, UpstreamError
from adapters.openai import OpenAI

_CLAUDE = Anthropic(clock=lambda: 1_700_000_000.9)
_USAGE = {"input_tokens": 3, "output_tokens": 5}
_MESSAGE: dict[str, Any] = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "tool_use",
    "stop_sequence": None, "usage": _USAGE,
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "see ", "citations": None},
        {"type": "text", "text": "here", "citations": [{"type": "web", "url": "https://x", "title": "X"},
                                                       {"type": "char_location", "document_index": 0}]},
        {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {"q": 1}},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
    ],
}  # fmt: skip
_CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
_ANSWER: dict[str, Any] = {
    "id": "1", "object": "chat.completion", "model": "gpt", "usage": {"prompt_tokens": 3, "completion_tokens": 5},
    "choices": [{"index": 0, "finish_reason": "tool_calls",
                 "message": {"role": "assistant", "content": "see", "reasoning": "hm", "tool_calls": [_CALL]}}],
}  # fmt: skip


def _chat_relay(*, stream: bool = False, model: str = "claude-sonnet-4-5", **body: Any) -> Relay:
    values = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": stream, **body}
    return _CLAUDE.relay(chat.read(parse(json.dumps(values).encode())), model, ())


def _messages_relay(*, stream: bool = False) -> Relay:
    call = Call("messages", parse(b'{"model":"m","messages":[]}'), stream, wants_usage=True)
    return OpenAI().relay(call, "gpt", ())


def _through(relay: Relay, body: Any) -> bytes:
    return relay.feed(body if isinstance(body, bytes) else json.dumps(body).encode()) + relay.finish()


def _sent(out: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in out.decode().splitlines() if line.startswith("data: {")]


def test_a_message_as_a_chat_answer() -> None:
    answer = json.loads(_through(_chat_relay(), _MESSAGE))
    message = answer["choices"][0]["message"]
    assert (answer["created"], answer["object"], answer["model"]) == (
        1_700_000_000,
        "chat.completion",
        "claude",
    )
    assert (message["content"], message["reasoning_content"], message["tool_calls"]) == (
        "see here",
        "hm",
        [_CALL],
    )
    assert message["provider_blocks"] == [_MESSAGE["content"][3]]
    web, document = message["annotations"]
    assert web["url_citation"] == {"url": "https://x", "title": "X", "start_index": 4, "end_index": 8}
    assert (document["type"], document["citation"]["document_index"]) == ("citation", 0)


def test_one_json_message_where_a_stream_was_asked() -> None:
    relay = _chat_relay(stream=True, stream_options={"include_usage": True})
    out = _through(relay, _MESSAGE)
    assert out.endswith(b"data: [DONE]\n\n")
    deltas = [choice["delta"] for chunk in _sent(out) for choice in chunk["choices"]]
    aside = {"index": 0, **_MESSAGE["content"][3]}
    assert "".join(delta.get("content", "") for delta in deltas) == "see here"
    assert [delta["provider_blocks"] for delta in deltas if "provider_blocks" in delta] == [[aside]]
    cited = next(delta["annotations"] for delta in deltas if "annotations" in delta)
    assert (cited[0]["url_citation"]["start_index"], cited[0]["url_citation"]["end_index"]) == (4, 8)
    assert _sent(out)[-1]["usage"]["completion_tokens"] == 5
    assert relay.complete
    assert relay.usage == TokenUsage(input=3, output=5, source="reported")


def test_a_chat_answer_as_a_message_whole_and_streamed() -> None:
    message = json.loads(_through(_messages_relay(), _ANSWER))
    expected = [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "see"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
    ]
    assert (message["content"], message["stop_reason"]) == (expected, "tool_use")
    assert (message["usage"]["input_tokens"], message["usage"]["output_tokens"]) == (3, 5)
    events = _sent(_through(_messages_relay(stream=True), _ANSWER))
    assert [e["content_block"]["type"] for e in events if e["type"] == "content_block_start"] == [
        "thinking", "text", "tool_use",
    ]  # fmt: skip
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]


def test_a_refusal_is_told() -> None:
    details = {
        "stop_reason": "refusal",
        "stop_details": {"type": "refusal", "explanation": "no"},
        "content": [],
    }
    choice = json.loads(_through(_chat_relay(), {**_MESSAGE, **details}))["choices"][0]
    assert (choice["message"]["refusal"], choice["finish_reason"]) == ("no", "content_filter")
    refused = {"choices": [{"message": {"content": None, "refusal": "no"}, "finish_reason": "stop"}]}
    assert json.loads(_through(_messages_relay(), refused))["content"] == [{"type": "text", "text": "no"}]


def test_the_sequence_that_stopped_it() -> None:
    stopped = {**_MESSAGE, "content": [], "stop_reason": "stop_sequence", "stop_sequence": "END"}
    choice = json.loads(_through(_chat_relay(), stopped))["choices"][0]
    assert (choice["finish_reason"], choice["stop_reason"]) == ("stop", "END")
    answer = {"choices": [{"message": {"content": "x"}, "finish_reason": "stop", "stop_reason": "END"}]}
    message = json.loads(_through(_messages_relay(), answer))
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "END")


@pytest.mark.parametrize("stream", [False, True])
def test_the_forced_tool_is_the_answers_text(stream: bool) -> None:
    relay = _chat_relay(stream=stream, model="claude-3-5-haiku", response_format={"type": "json_object"})
    block = {"type": "tool_use", "id": "a", "name": "answer_in_json", "input": {"x": 1}}
    message = {**_MESSAGE, "content": [block]}
    if stream:
        events = (
            {"type": "message_start", "message": {"id": "m"}},
            {"type": "content_block_start", "index": 0, "content_block": {**block, "input": {}}},
            {"type": "content_block_delta", "index": 0,
             "delta": {"type": "input_json_delta", "partial_json": '{"x":1}'}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}},
            {"type": "message_stop"},
        )  # fmt: skip
        out = _through(relay, b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events))
        choices = [choice for chunk in _sent(out) for choice in chunk["choices"]]
        assert "".join(choice["delta"].get("content", "") for choice in choices) == '{"x":1}'
        assert not any("tool_calls" in choice["delta"] for choice in choices)
        assert choices[-1]["finish_reason"] == "stop"
    else:
        choice = json.loads(_through(relay, message))["choices"][0]
        assert (choice["message"]["content"], choice["finish_reason"]) == ('{"x":1}', "stop")
        assert "tool_calls" not in choice["message"]


@pytest.mark.parametrize(
    ("arguments", "shown"), [("", {}), ('{"x":', {"arguments": '{"x":'}), ("[1]", {"arguments": "[1]"})]
)
def test_arguments_that_are_no_object(arguments: str, shown: dict[str, Any]) -> None:
    answer = copy.deepcopy(_ANSWER)
    answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] = arguments
    assert json.loads(_through(_messages_relay(), answer))["content"][-1]["input"] == shown


@pytest.mark.parametrize("make", [_chat_relay, _messages_relay])
@pytest.mark.parametrize("stream", [False, True])
def test_an_error_with_status_200(make: Any, stream: bool) -> None:
    relay = make(stream=stream)
    out = _through(relay, {"type": "error", "error": {"type": "api_error", "message": "died"}})
    assert (relay.error, relay.complete) == ("died", False)
    assert b"died" in out
    assert b"[DONE]" not in out


@pytest.mark.parametrize("make", [_chat_relay, _messages_relay])
def test_failures_are_told_in_the_clients_words(make: Any) -> None:
    for out in (make().failure("died"), make(stream=True).failure("died").split(b"data: ")[1]):
        error = json.loads(out)
        assert error["error"]["message"] == "died"
        assert ("type" in error) == (make is _messages_relay)


def test_compactions_are_booked_but_not_shown() -> None:
    part = {"type": "compaction", "input_tokens": 100, "output_tokens": 10, "cache_read_input_tokens": 7}
    message = {**_MESSAGE, "usage": {**_USAGE, "iterations": [part, {"type": "message", **_USAGE}]}}
    relay = _chat_relay()
    shown = json.loads(_through(relay, message))["usage"]
    assert (shown["prompt_tokens"], shown["completion_tokens"]) == (3, 5)
    assert relay.usage == TokenUsage(input=103, cache_read=7, output=15, source="reported")


def test_an_estimate_never_replaces_a_report() -> None:
    reported = TokenUsage(input=1, output=2, source="reported")
    assert reported.estimated(100, 100) is reported


_BACKENDS: list[tuple[Backend, str, Any]] = [
    (_CLAUDE, "chat", _MESSAGE), (OpenAI(), "messages", _ANSWER), (OpenAI(), "chat", _ANSWER),
    (_CLAUDE, "messages", _MESSAGE),
]  # fmt: skip
_JUNK = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.sampled_from([[], {}, [1], {"a": 1}])
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, item in inner for deeper in _paths(item, (*path, key)))]


@given(data=st.data(), pair=st.sampled_from(_BACKENDS), stream=st.booleans(), junk=_JUNK)
def test_answers_of_the_wrong_shape_are_a_fault_of_the_provider(
    data: Any, pair: Any, stream: bool, junk: Any
) -> None:
    backend, dialect, answer = pair
    answer = copy.deepcopy(answer)
    *parents, last = data.draw(st.sampled_from(_paths(answer)[1:]))
    holder: Any = answer
    for key in parents:
        holder = holder[key]
    holder[last] = junk
    values = {"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 5}
    relay = backend.relay(Call(dialect, parse(json.dumps(values).encode()), stream, True), "claude", ())
    try:
        _through(relay, answer)
    except (UpstreamError, StreamCut) as fault:
        assert str(fault)  # noqa: PT017  # either way is right; a crash is not


_EVENTS = {
    "messages": [
        {"type": "message_start", "message": {"id": "m", "model": "c", "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "x"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "a", "input": {}}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ],
    "chat": [
        {"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
        {"id": "1", "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}]},
        {"id": "1", "choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}}]},
        {"id": "1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"id": "1", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}},
    ],
}  # fmt: skip


@given(
    data=st.data(),
    spoken=st.sampled_from(["chat", "messages"]),
    client=st.sampled_from(["chat", "messages"]),
    junk=_JUNK,
)
def test_events_of_the_wrong_shape_are_a_fault_of_the_provider(
    data: Any, spoken: str, client: str, junk: Any
) -> None:
    events: Any = copy.deepcopy(_EVENTS[spoken])
    *parents, last = data.draw(st.sampled_from(_paths(events)[1:]))
    holder: Any = events
    for key in parents:
        holder = holder[key]
    holder[last] = junk
    values = {"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 5}
    backend = OpenAI() if spoken == "chat" else _CLAUDE
    relay = backend.relay(Call(client, parse(json.dumps(values).encode()), True, True), "claude", ())
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    try:
        _through(relay, stream + (b"data: [DONE]\n\n" if spoken == "chat" else b""))
    except (UpstreamError, StreamCut) as fault:
        assert str(fault)  # noqa: PT017  # either way is right; a crash is not


@pytest.mark.parametrize("events", [b"", b'data: {"type":"message_start","message":{"id":"m"}}\n\n'])
def test_a_message_that_ends_with_a_word_of_another_dialect_is_cut(events: bytes) -> None:
    relay = _chat_relay(stream=True)
    out = relay.feed(events + b"data: [DONE]\n\n")
    assert not relay.complete
    assert b'finish_reason":"' not in out
    with pytest.raises(StreamCut):
        relay.finish()


def test_a_large_answer_is_written_as_a_small_one_is() -> None:
    told = []
    for text in ("see \U0001f600", "see \U0001f600" * AT_ONCE):
        answer = copy.deepcopy(_ANSWER)
        answer["choices"][0]["message"]["content"] = text
        relay = _messages_relay()
        relay.feed(json.dumps(answer).encode())
        written = json.loads(relay.finish())
        told.append(written)
        said = [part for part in written["content"] if part["type"] == "text"]
        assert [part.pop("text") for part in said] == [text]
        assert relay.complete
    assert told[0] == told[1]


def test_a_long_event_is_told_in_pieces() -> None:
    text, call = "see \U0001f600" * AT_ONCE, '{"x":"' + "y" * AT_ONCE + '"}'
    delta = {
        "content": text,
        "tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": call}}],
    }
    chunk = {"id": "1", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    end = {"id": "1", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    relay = _messages_relay(stream=True)
    out = b"".join(relay.feed(b"data: " + json.dumps(each).encode() + b"\n\n") for each in (chunk, end))
    out += relay.feed(b"data: [DONE]\n\n")
    events = [json.loads(line[6:]) for line in out.splitlines() if line.startswith(b"data: ")]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(each.get("text", "") for each in deltas) == text
    assert "".join(each.get("partial_json", "") for each in deltas) == call
    assert all(len(each.get("text", "")) <= 65_536 >= len(each.get("partial_json", "")) for each in deltas)
    assert relay.content_events == 1
