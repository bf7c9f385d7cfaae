"""However an answer is cut, what the model wrote comes out with the values in it, and hardly anything is held back."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.call import Call, Dialect, Relay
from adapters.dialects import native, sse
from adapters.dialects.ingress import INGRESS
from adapters.document import parse
from adapters.errors import UpstreamError
from adapters.redacting import RedactedCall
from adapters.restoring.relay import Restoring
from adapters.restoring.values import Channels, Values
from adapters.stretches import STRETCH

VALUES = {
    "[US_SSN_1]": "536-22-8741",
    "[US_SSN_12]": "536-22-8742",
    "[PASSWORD_1]": 'a"b/ü',
    "[EMAIL_ADDRESS_1]": "[US_SSN_1]@x.de",  # a value that looks like a placeholder is not replaced again
}
SAID = st.lists(
    st.sampled_from([*VALUES, "[US_SSN_", "[US_SSN_3]", "[", "]", "[[US_", "_1]", "é", "a\n", '"', "\\"]),
    max_size=12,
).map("".join)
SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=30)


def restored(text: str) -> str:
    """What should come of it, written without the code under test."""
    out, at = "", 0
    while at < len(text):
        name = next((name for name in VALUES if text.startswith(name, at)), None)
        out += VALUES[name] if name else text[at]
        at += len(name) if name else 1
    return out


def cut(text: Any, sizes: Sequence[int]) -> list[Any]:
    pieces, at, turn = [], 0, 0
    while at < len(text):
        pieces.append(text[at : at + sizes[turn % len(sizes)]])
        at += sizes[turn % len(sizes)]
        turn += 1
    return pieces


def relay_of(dialect: Dialect, *, stream: bool, **more: Any) -> Relay:
    said: dict[str, Any] = {"messages": [{"role": "user", "content": "x"}], "input": "x", "prompt": "x"}
    kept = {"chat": "messages", "messages": "messages", "responses": "input", "completions": "prompt"}[
        dialect
    ]
    body = {"model": "m", "max_tokens": 9, "stream": stream, kept: said[kept], **more}
    call: Call = INGRESS[dialect].read(parse(json.dumps(body).encode()), ())
    kind = b"text/event-stream" if stream else b"application/json"
    return Restoring(native.relay(call, ((b"content-type", kind),)), RedactedCall(call, VALUES))


def through(relay: Relay, pieces: Sequence[bytes]) -> list[dict[str, Any]]:
    out = b"".join([*map(relay.feed, pieces), relay.finish()])
    assert relay.complete
    payloads = [sse.payload(event) for event in sse.split(out)]
    return [orjson.loads(each) for each in payloads if each and each.strip() != b"[DONE]"]


def encoded(events: Sequence[Any], *, named: bool, escape: bool) -> bytes:
    """A stream as a provider may write it: brackets may stand as escapes."""
    out = b""
    for event in events:
        data = json.dumps(event).encode()
        if escape:
            data = json.dumps(event).replace("[US", "\\u005bUS").replace("[PASS", "\\u005BPASS").encode()
        out += (f"event: {event['type']}\n".encode() if named else b"") + b"data: " + data + b"\n\n"
    return out


def chat_events(
    deltas: Iterator[dict[str, Any]] | list[dict[str, Any]], finish: bool
) -> list[dict[str, Any]]:
    head = {"id": "c", "object": "chat.completion.chunk", "model": "m"}
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    if finish:
        choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    return [{**head, "choices": [choice]} for choice in choices]


@given(SAID, SAID, SIZES, SIZES, st.booleans())
def test_chat_streams(said: str, argued: str, sizes: list[int], reads: list[int], escape: bool) -> None:
    arguments = json.dumps({"to": argued})
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in cut(said, sizes)]
    deltas += [{"reasoning_content": piece} for piece in cut(said, sizes[::-1])]
    deltas += [
        {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}
        for piece in cut(arguments, sizes)
        for number in (0, 1)
    ]
    stream = encoded(chat_events(deltas, True), named=False, escape=escape) + b"data: [DONE]\n\n"
    chunks = through(relay_of("chat", stream=True), cut(stream, reads))
    got = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert "".join(delta.get("content") or "" for delta in got) == restored(said)
    assert "".join(delta.get("reasoning_content") or "" for delta in got) == restored(said)
    for number in (0, 1):
        calls = [call for delta in got for call in delta.get("tool_calls") or () if call["index"] == number]
        together = "".join(call["function"].get("arguments") or "" for call in calls)
        assert json.loads(together) == {"to": restored(argued)}


@given(SAID, SIZES, SIZES)
def test_a_chat_stream_that_names_no_finish_still_says_all(
    said: str, sizes: list[int], reads: list[int]
) -> None:
    events = chat_events([{"content": piece} for piece in cut(said, sizes)], False)
    stream = encoded(events, named=False, escape=False) + b"data: [DONE]\n\n"
    chunks = through(relay_of("chat", stream=True), cut(stream, reads))
    assert "".join(c["delta"].get("content") or "" for k in chunks for c in k["choices"]) == restored(said)


@given(SAID, SIZES, SIZES)
def test_completions_streams(said: str, sizes: list[int], reads: list[int]) -> None:
    choices: list[dict[str, Any]] = [{"index": 0, "text": t, "finish_reason": None} for t in cut(said, sizes)]
    choices.append({"index": 0, "text": "", "finish_reason": "stop"})
    events = [{"id": "c", "object": "text_completion", "choices": [choice]} for choice in choices]
    stream = encoded(events, named=False, escape=False) + b"data: [DONE]\n\n"
    chunks = through(relay_of("completions", stream=True), cut(stream, reads))
    assert "".join(c.get("text") or "" for k in chunks for c in k["choices"]) == restored(said)


@given(SAID, SAID, SIZES, SIZES, st.booleans())
def test_messages_streams(said: str, argued: str, sizes: list[int], reads: list[int], escape: bool) -> None:
    arguments = json.dumps({"to": argued})
    message = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    blocks: list[tuple[dict[str, Any], str, str, str]] = [
        ({"type": "thinking", "thinking": "", "signature": ""}, "thinking_delta", "thinking", said),
        ({"type": "text", "text": ""}, "text_delta", "text", said),
        (
            {"type": "tool_use", "id": "t", "name": "n", "input": {}},
            "input_json_delta",
            "partial_json",
            arguments,
        ),
    ]
    events: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
    for index, (block, kind, field, text) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [
            {"type": "content_block_delta", "index": index, "delta": {"type": kind, field: piece}}
            for piece in cut(text, sizes)
        ]
        events.append({"type": "content_block_stop", "index": index})
    events.append(
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}
    )
    events.append({"type": "message_stop"})
    got = through(relay_of("messages", stream=True), cut(encoded(events, named=True, escape=escape), reads))
    deltas = [event for event in got if event["type"] == "content_block_delta"]
    texts = [
        "".join(e["delta"].get(f, "") for e in deltas if e["index"] == i)
        for i, (_, _, f, _) in enumerate(blocks)
    ]
    assert texts[0] == said, "what is signed passes as it was written"
    assert texts[1] == restored(said)
    assert json.loads(texts[2]) == {"to": restored(argued)}
    stops = [event["index"] for event in got if event["type"] == "content_block_stop"]
    assert stops == [0, 1, 2]
    last = {event["index"]: at for at, event in enumerate(got) if event["type"] == "content_block_delta"}
    for index, at in last.items():
        assert got.index({"type": "content_block_stop", "index": index}) > at


@given(SAID, SAID, SIZES, SIZES)
def test_responses_streams(said: str, argued: str, sizes: list[int], reads: list[int]) -> None:
    arguments = json.dumps({"to": argued})
    item = {
        "type": "message",
        "id": "i",
        "role": "assistant",
        "content": [{"type": "output_text", "text": said}],
    }
    called = {"type": "function_call", "id": "f", "call_id": "c", "name": "n", "arguments": arguments}
    at = {"item_id": "i", "output_index": 0, "content_index": 0}
    there = {"item_id": "f", "output_index": 1}
    response = {
        "id": "r",
        "object": "response",
        "status": "completed",
        "output": [item, called],
        "usage": None,
    }
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**response, "status": "in_progress", "output": []}},
        *(
            {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []}
            for piece in cut(said, sizes)
        ),
        {"type": "response.output_text.done", **at, "text": said},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        *(
            {"type": "response.function_call_arguments.delta", **there, "delta": p}
            for p in cut(arguments, sizes)
        ),
        {"type": "response.function_call_arguments.done", **there, "arguments": arguments},
        {"type": "response.completed", "response": response},
    ]
    numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    got = through(relay_of("responses", stream=True), cut(encoded(numbered, named=True, escape=False), reads))

    def of(kind: str) -> list[dict[str, Any]]:
        return [event for event in got if event["type"] == f"response.{kind}"]

    assert "".join(event["delta"] for event in of("output_text.delta")) == restored(said)
    assert of("output_text.done")[0]["text"] == restored(said)
    together = "".join(event["delta"] for event in of("function_call_arguments.delta"))
    assert (
        json.loads(together)
        == {"to": restored(argued)}
        == json.loads(of("function_call_arguments.done")[0]["arguments"])
    )
    output = of("completed")[0]["response"]["output"]
    assert output[0]["content"][0]["text"] == restored(said)
    assert json.loads(output[1]["arguments"]) == {"to": restored(argued)}
    assert [event["sequence_number"] for event in got] == list(range(len(got)))


def chat_answer(text: str, arguments: str) -> dict[str, Any]:
    calls = [{"id": "[US_SSN_1]", "function": {"name": "n", "arguments": arguments}}]
    message = {"role": "assistant", "content": text, "tool_calls": calls}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def completions_answer(text: str, _: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": text, "finish_reason": "stop"}]}


def messages_answer(text: str, arguments: str) -> dict[str, Any]:
    content = [
        {"type": "text", "text": text},
        {"type": "thinking", "thinking": text, "signature": "s"},
        {"type": "tool_use", "id": "[US_SSN_1]", "name": "n", "input": json.loads(arguments)},
    ]
    return {"type": "message", "content": content, "stop_reason": "end_turn"}


def responses_answer(text: str, arguments: str) -> dict[str, Any]:
    output = [
        {"type": "message", "content": [{"type": "output_text", "text": text}]},
        {"type": "function_call", "id": "[US_SSN_1]", "arguments": arguments},
        {"type": "reasoning", "summary": [{"text": text}]},
    ]
    return {"object": "response", "status": "completed", "output": output}


WHOLE: dict[Dialect, Callable[[str, str], dict[str, Any]]] = {
    "chat": chat_answer,
    "completions": completions_answer,
    "messages": messages_answer,
    "responses": responses_answer,
}


@pytest.mark.parametrize("dialect", sorted(WHOLE))
@given(said=SAID, argued=SAID, reads=SIZES)
def test_whole_answers(dialect: Dialect, said: str, argued: str, reads: list[int]) -> None:
    body = json.dumps(WHOLE[dialect](said, json.dumps({"to": argued}))).encode()
    relay = relay_of(dialect, stream=False)
    assert all(relay.feed(piece) == b"" for piece in cut(body, reads))
    got = json.loads(relay.finish())
    expected = WHOLE[dialect](restored(said), json.dumps({"to": restored(argued)}))
    if dialect == "messages":
        expected["content"][1]["thinking"] = said
    if dialect == "responses":
        expected["output"][2]["summary"][0]["text"] = said
    for answer in (got, expected):  # arguments are compared as what they mean
        for call in (
            answer["choices"][0].get("message", {}).get("tool_calls", ()) if dialect == "chat" else ()
        ):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        if dialect == "responses":
            answer["output"][1]["arguments"] = json.loads(answer["output"][1]["arguments"])
    assert got == expected


def test_an_answer_that_was_asked_for_as_json_stays_json() -> None:
    relay = relay_of("chat", stream=False, response_format={"type": "json_object"})
    body = {
        "choices": [{"index": 0, "message": {"content": '{"p":"[PASSWORD_1]"}'}, "finish_reason": "stop"}]
    }
    relay.feed(json.dumps(body).encode())
    content = json.loads(relay.finish())["choices"][0]["message"]["content"]
    assert json.loads(content) == {"p": VALUES["[PASSWORD_1]"]}


@given(SAID, SIZES)
def test_no_more_is_held_back_than_a_placeholder_could_begin_in(said: str, sizes: list[int]) -> None:
    channels = Channels(Values(VALUES, json_text=False))
    longest = max(map(len, VALUES))
    fed, out = "", ""
    for piece in cut(said, sizes):
        fed += piece
        out += channels.feed(("a",), piece, escaped=False)
        kept = next(n for n in range(len(fed) + 1) if restored(fed[: len(fed) - n]) == out)
        assert kept < longest
        assert not kept or fed[len(fed) - kept] == "["
    assert out + "".join(channels.end().values()) == restored(said)


def test_errors_pass_and_nonsense_is_the_provider_s_fault() -> None:
    relay = relay_of("chat", stream=True)
    assert b"event: error\n" in relay.feed(b'event: error\ndata: {"error":{"message":"no"}}\n\n: ping\n\n')
    assert relay.error == "no"
    broken = relay_of("messages", stream=True)
    with pytest.raises(UpstreamError):
        broken.feed(
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":7}\n\n'
        )


@pytest.mark.parametrize("before", [STRETCH - 12, STRETCH - 5, STRETCH - 1, STRETCH, 2 * STRETCH - 3])
def test_a_placeholder_is_put_back_wherever_a_stretch_of_a_long_text_ends(before: int) -> None:
    values = Values({"[NAME_1]": 'Ada "A" \U0001f600'}, json_text=False)
    text = "[" * before + "[NAME_1] [NAME_2] [" + "x" * STRETCH + "[NAME_1]"
    assert values.put_back(text) == text.replace("[NAME_1]", 'Ada "A" \U0001f600')
    assert values.put_back(text, escaped=True) == text.replace("[NAME_1]", 'Ada \\"A\\" \U0001f600')
