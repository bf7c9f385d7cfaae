"""Bugs that other gateways shipped between OpenAI's dialect and Anthropic's, one test each: in what is answered
and booked (FIELD.md, the rest of 1 to 15)."""

import json
from typing import Any

import pytest

from adapters.errors import Unsupported
from adapters.openai import OpenAI
from adapters.vllm import VLLM
from tests.contract.between import (
    BUDGETED,
    CLAUDE,
    added,
    chat_call,
    chunks_of,
    claude_answer,
    closed,
    events,
    messages_call,
    opened,
    stopping,
    to_claude,
    tool_calls_in,
)


class TestBug1ToolCallIndex:
    """`tool_calls[].index` missing or constant on parallel calls."""

    def test_parallel_calls_count_from_zero_whatever_blocks_stand_between(self) -> None:
        stream = events(
            opened(0, type="text", text=""), added(0, "text_delta", text="let me see"), closed(0),
            opened(1, type="tool_use", id="a", name="f", input={}), added(1, "input_json_delta", partial_json='{"x"'),
            added(1, "input_json_delta", partial_json=":1}"), closed(1),
            opened(2, type="tool_use", id="b", name="g", input={}), added(2, "input_json_delta", partial_json="{}"),
            closed(2),
            *stopping("tool_use", output_tokens=3),
        )  # fmt: skip
        chunks, _, _ = chunks_of(stream)
        calls = [(c["index"], c.get("id"), c["function"].get("name")) for c in tool_calls_in(chunks)]
        assert calls == [(0, "a", "f"), (0, None, None), (0, None, None), (1, "b", "g"), (1, None, None)]
        assert [c["function"]["arguments"] for c in tool_calls_in(chunks)] == ["", '{"x"', ":1}", "", "{}"]

    def test_a_call_without_arguments_has_an_empty_object(self) -> None:
        stream = events(
            opened(0, type="tool_use", id="a", name="f", input={}), closed(0), *stopping("tool_use")
        )
        assert [call["function"]["arguments"] for call in tool_calls_in(chunks_of(stream)[0])] == ["", "{}"]


class TestBug2DeltasBehindTheStop:
    """Argument deltas after `content_block_stop`."""

    def test_interleaved_parallel_calls_stay_inside_their_blocks(self) -> None:
        def chunk(index: int, arguments: str, **call: Any) -> bytes:
            piece = {
                "index": index,
                "function": {"arguments": arguments, **({"name": "f"} if call else {})},
                **call,
            }
            body = {"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]}
            return b"data: " + json.dumps(body).encode() + b"\n\n"

        end = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n'
        stream = chunk(0, "", id="a") + chunk(1, "", id="b") + chunk(0, '{"x":1}') + chunk(1, "{}") + end
        out = OpenAI().relay(messages_call(stream=True), "gpt", ()).feed(stream)
        events = [json.loads(line[6:]) for line in out.decode().splitlines() if line.startswith("data: ")]
        stopped: set[int] = set()
        for event in events:
            if event["type"] == "content_block_delta":
                assert event["index"] not in stopped
            if event["type"] == "content_block_stop":
                stopped.add(event["index"])
        assert stopped == {0, 1}
        pieces = [
            (e["index"], e["delta"]["partial_json"]) for e in events if e["type"] == "content_block_delta"
        ]
        assert pieces == [(0, '{"x":1}'), (1, "{}")]


_REASONS = [
    ("end_turn", "stop"), ("stop_sequence", "stop"), ("tool_use", "tool_calls"), ("max_tokens", "length"),
    ("refusal", "content_filter"), ("pause_turn", "stop"), ("model_context_window_exceeded", "length"),
    ("a_reason_of_tomorrow", "stop"),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "finish"), _REASONS)
def test_bug_3_the_finish_is_the_same_streamed_or_not(reason: str, finish: str) -> None:
    whole = claude_answer({"content": [{"type": "text", "text": "x"}], "stop_reason": reason})
    chunks, _, relay = chunks_of(events(*stopping(reason, output_tokens=1)))
    assert whole["choices"][0]["finish_reason"] == finish
    assert [c["choices"][0]["finish_reason"] for c in chunks if c["choices"]][-1] == finish
    assert relay.finish_reason == finish


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("content_filter", "refusal"),
    ],
)
def test_bug_3_the_stop_reason_is_the_same_streamed_or_not(finish: str, reason: str) -> None:
    whole, streamed = (
        OpenAI().relay(messages_call(), "m", ()),
        OpenAI().relay(messages_call(stream=True), "m", ()),
    )
    choice = {"index": 0, "finish_reason": finish}
    whole.feed(json.dumps({"choices": [{**choice, "message": {"content": "x"}}]}).encode())
    out = streamed.feed(
        b"data: " + json.dumps({"choices": [{**choice, "delta": {}}]}).encode() + b"\n\ndata: [DONE]\n\n"
    )
    assert json.loads(whole.finish())["stop_reason"] == reason
    assert f'"stop_reason":"{reason}"'.encode() in out


class TestBug8Usage:
    """Anthropic's input excludes the cache, OpenAI's includes it; the usage of `message_delta` is cumulative."""

    def test_classes_are_disjoint_and_the_client_sees_the_sum(self) -> None:
        start = {
            "input_tokens": 3,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 20,
            "output_tokens": 1,
        }
        begin = {"type": "message_start", "message": {"id": "m", "model": "c", "usage": start}}
        stream = (
            b"data: "
            + json.dumps(begin).encode()
            + b"\n\n"
            + events(*stopping("end_turn", output_tokens=50)).partition(b"\n\n")[2]
        )
        chunks, _, relay = chunks_of(stream)
        usage = relay.usage
        assert (usage.input, usage.cache_read, usage.cache_write, usage.output) == (3, 100, 20, 50)
        assert chunks[-1]["usage"]["prompt_tokens"] == 123
        assert chunks[-1]["usage"]["completion_tokens"] == 50
        assert chunks[-1]["usage"]["prompt_tokens_details"]["cached_tokens"] == 100

    def test_later_figures_replace_earlier_ones(self) -> None:
        _, _, relay = chunks_of(events(*stopping("end_turn", input_tokens=4000, output_tokens=50)))
        assert (relay.usage.input, relay.usage.output) == (4000, 50)

    def test_the_prompt_is_known_when_a_stream_is_cancelled(self) -> None:
        _, _, relay = chunks_of(events(opened(0, type="text", text=""), added(0, "text_delta", text="x")))
        booked = relay.usage.estimated(999, relay.content_events)
        assert (booked.input, booked.output, booked.source) == (7, 1, "estimated")

    def test_the_other_way_cached_tokens_are_taken_out(self) -> None:
        relay = OpenAI().relay(messages_call(), "m", ())
        usage = {
            "prompt_tokens": 123,
            "completion_tokens": 50,
            "prompt_tokens_details": {"cached_tokens": 100},
        }
        choice = {"message": {"content": "x"}, "finish_reason": "stop"}
        relay.feed(json.dumps({"choices": [choice], "usage": usage}).encode())
        told = json.loads(relay.finish())["usage"]
        assert (told["input_tokens"], told["cache_read_input_tokens"], told["output_tokens"]) == (23, 100, 50)


def test_bug_9_a_ping_keeps_alive_and_an_error_is_no_clean_stop() -> None:
    _, out, relay = chunks_of(events({"type": "ping"}))
    assert out.endswith(b": keep-alive\n\n")
    out = relay.feed(b'data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n')
    assert json.loads(out.removeprefix(b"data: "))["error"]["message"] == "overloaded_error: Overloaded"
    assert relay.finish() == b""
    assert relay.error
    assert not relay.complete


def test_bug_10_the_usage_chunk_has_no_choices_and_comes_last() -> None:
    chunks, out, _ = chunks_of(events(*stopping("end_turn", output_tokens=1)))
    assert chunks[-1]["choices"] == []
    assert all("usage" not in chunk for chunk in chunks[:-1])
    assert out.endswith(b"data: [DONE]\n\n")


class TestBug12Untouched:
    """`refusal`, `n > 1`, a missing `finish_reason` pass through untouched."""

    @pytest.mark.parametrize("choice", [
        {"index": 0, "message": {"role": "assistant", "content": None, "refusal": "no"}, "finish_reason": "stop"},
        {"index": 0, "message": {"role": "assistant", "content": "x"}},
    ])  # fmt: skip
    def test_whole(self, choice: dict[str, Any]) -> None:
        body = json.dumps(
            {"id": "1", "choices": [choice, {**choice, "index": 1}], "odd": [1.0, 2e5]}
        ).encode()
        relay = VLLM().relay(chat_call(n=2), "m", ())
        relay.feed(body)
        assert relay.finish() == body

    def test_streamed(self) -> None:
        stream = (
            b'data: {"choices":[{"index":1,"delta":{"refusal":"no"}}]}\n\n'
            b'data: {"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}\n\n'
            b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n'
        )
        relay = VLLM().relay(chat_call(n=2, stream=True), "m", ())
        assert relay.feed(stream) == stream
        assert relay.content_events == 2

    def test_several_answers_are_refused_where_they_cannot_be_had(self) -> None:
        with pytest.raises(Unsupported) as refused:
            to_claude(n=2)
        assert refused.value.field == "n"


@pytest.mark.parametrize(("status", "body", "kind", "shown"), [
    (404, {"type": "error", "error": {"type": "not_found_error", "message": "model: claude-9"}}, "gone", 404),
    (401, {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}, "ours", 502),
    (429, {"type": "error", "error": {"type": "rate_limit_error", "message": "organization o-1 is over"}}, "busy", 429),
    (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "busy", 503),
    (413, {"type": "error", "error": {"type": "request_too_large", "message": "too large"}}, "client", 413),
])  # fmt: skip
def test_bug_13_error_classes(status: int, body: dict[str, Any], kind: str, shown: int) -> None:
    refusal = CLAUDE.refusal(status, (), json.dumps(body).encode())
    assert (refusal.kind, refusal.status) == (kind, shown)
    assert set(json.loads(refusal.body)["error"]) == {"message", "type", "param", "code"}
    assert b"o-1" not in refusal.body


def test_bug_14_no_stale_content_encoding() -> None:
    relay = CLAUDE.relay(
        chat_call(), BUDGETED, ((b"content-encoding", b"identity"), (b"content-length", b"9"))
    )
    assert relay.headers() == ((b"content-type", b"application/json"),)
    assert (b"accept-encoding", b"identity") in CLAUDE.outgoing(chat_call(), BUDGETED).headers


def test_bug_15_what_was_used_is_known_when_the_client_gives_up() -> None:
    relay = VLLM().relay(chat_call(stream=True), "m", ())
    relay.feed(b'data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}\n\n' * 3)
    booked = relay.usage.estimated(40, relay.content_events)
    assert (booked.prompt, booked.generated, booked.source) == (40, 3, "estimated")
