"""Bugs that other gateways shipped between OpenAI's dialect and Anthropic's, one test each (FIELD.md, 1 to 15)."""

import json
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.call import Call, Relay
from adapters.dialects import chat
from adapters.document import parse
from adapters.errors import Unsupported
from adapters.openai import OpenAI
from adapters.vllm import VLLM

_CLAUDE = Anthropic(api_key="sk-ant-ours")
_NEW, _BUDGET, _OLD = "claude-opus-4-7", "claude-sonnet-4-5", "claude-3-5-haiku-20241022"
_USER = {"role": "user", "content": "hi"}


def _chat(**body: Any) -> Call:
    return chat.read(parse(json.dumps({"model": "auto", "messages": [_USER], **body}).encode()))


def _messages(**body: Any) -> Call:
    body = {"model": "auto", "max_tokens": 100, "messages": [_USER], **body}
    return Call("messages", parse(json.dumps(body).encode()), body.get("stream") is True, wants_usage=True)


def _to_claude(model: str = _BUDGET, **body: Any) -> dict[str, Any]:
    return json.loads(_CLAUDE.outgoing(_chat(**body), model).body)


def _to_openai(**body: Any) -> dict[str, Any]:
    return json.loads(OpenAI().outgoing(_messages(**body), "gpt").body)


def _events(*events: dict[str, Any]) -> bytes:
    start = {
        "type": "message_start",
        "message": {"id": "msg_1", "model": "claude", "usage": {"input_tokens": 7}},
    }
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in (start, *events))


def _stop(reason: str, **usage: int) -> tuple[dict[str, Any], dict[str, Any]]:
    delta = {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage}
    return delta, {"type": "message_stop"}


def _start(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def _delta(index: int, kind: str, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **delta}}


def _end(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def _streamed(stream: bytes, call: Call | None = None) -> tuple[list[dict[str, Any]], bytes, Relay]:
    """The chunks a chat client gets for an Anthropic stream."""
    relay = _CLAUDE.relay(call or _chat(stream=True, stream_options={"include_usage": True}), _BUDGET, ())
    out = relay.feed(stream)
    data = [e.removeprefix("data: ") for e in out.decode().split("\n\n") if e.startswith("data: {")]
    return [json.loads(datum) for datum in data], out, relay


def _claude_answer(answer: dict[str, Any], call: Call | None = None, model: str = _BUDGET) -> dict[str, Any]:
    relay = _CLAUDE.relay(call or _chat(), model, ())
    relay.feed(
        json.dumps({"id": "msg_1", "model": "claude", "usage": {"output_tokens": 1}, **answer}).encode()
    )
    return json.loads(relay.finish())


def _calls(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [call for c in chunks for choice in c["choices"] for call in choice["delta"].get("tool_calls", [])]


class TestBug1ToolCallIndex:
    """`tool_calls[].index` missing or constant on parallel calls."""

    def test_parallel_calls_count_from_zero_whatever_blocks_stand_between(self) -> None:
        stream = _events(
            _start(0, type="text", text=""), _delta(0, "text_delta", text="let me see"), _end(0),
            _start(1, type="tool_use", id="a", name="f", input={}), _delta(1, "input_json_delta", partial_json='{"x"'),
            _delta(1, "input_json_delta", partial_json=":1}"), _end(1),
            _start(2, type="tool_use", id="b", name="g", input={}), _delta(2, "input_json_delta", partial_json="{}"),
            _end(2),
            *_stop("tool_use", output_tokens=3),
        )  # fmt: skip
        chunks, _, _ = _streamed(stream)
        calls = [(c["index"], c.get("id"), c["function"].get("name")) for c in _calls(chunks)]
        assert calls == [(0, "a", "f"), (0, None, None), (0, None, None), (1, "b", "g"), (1, None, None)]
        assert [c["function"]["arguments"] for c in _calls(chunks)] == ["", '{"x"', ":1}", "", "{}"]

    def test_a_call_without_arguments_has_an_empty_object(self) -> None:
        stream = _events(_start(0, type="tool_use", id="a", name="f", input={}), _end(0), *_stop("tool_use"))
        assert [call["function"]["arguments"] for call in _calls(_streamed(stream)[0])] == ["", "{}"]


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
        out = OpenAI().relay(_messages(stream=True), "gpt", ()).feed(stream)
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
    whole = _claude_answer({"content": [{"type": "text", "text": "x"}], "stop_reason": reason})
    chunks, _, relay = _streamed(_events(*_stop(reason, output_tokens=1)))
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
    whole, streamed = OpenAI().relay(_messages(), "m", ()), OpenAI().relay(_messages(stream=True), "m", ())
    choice = {"index": 0, "finish_reason": finish}
    whole.feed(json.dumps({"choices": [{**choice, "message": {"content": "x"}}]}).encode())
    out = streamed.feed(
        b"data: " + json.dumps({"choices": [{**choice, "delta": {}}]}).encode() + b"\n\ndata: [DONE]\n\n"
    )
    assert json.loads(whole.finish())["stop_reason"] == reason
    assert f'"stop_reason":"{reason}"'.encode() in out


@pytest.mark.parametrize("kind", ["custom", "web_search_preview", "mcp", None])
def test_bug_4_unknown_tool_types_are_an_error(kind: str | None) -> None:
    good = {"type": "function", "function": {"name": "f"}}
    with pytest.raises(Unsupported) as refused:
        _to_claude(tools=[good, {"type": kind, "custom": {"name": "g"}}])
    assert refused.value.field == "tools[1].type"
    with pytest.raises(Unsupported) as refused:
        _to_openai(tools=[{"type": "web_search_20250305", "name": "web_search"}])
    assert refused.value.field == "tools[0].type"


class TestBug5Thinking:
    """Thinking blocks turned into text, signatures dropped, foreign thinking sent to who did not think it."""

    SIGNED = {"type": "thinking", "thinking": "hm", "signature": "sig=="}  # noqa: RUF012  # never changed

    def test_thinking_is_no_text_and_keeps_its_signature(self) -> None:
        blocks = [self.SIGNED, {"type": "redacted_thinking", "data": "xx"}, {"type": "text", "text": "4"}]
        message = _claude_answer({"content": blocks, "stop_reason": "end_turn"})["choices"][0]["message"]
        assert (message["content"], message["reasoning_content"]) == ("4", "hm")
        assert message["thinking_blocks"] == blocks[:2]

    def test_streamed_thinking_too(self) -> None:
        stream = _events(
            _start(0, type="thinking", thinking="", signature=""), _delta(0, "thinking_delta", thinking="h"),
            _delta(0, "thinking_delta", thinking="m"), _delta(0, "signature_delta", signature="sig=="), _end(0),
            *_stop("end_turn"),
        )  # fmt: skip
        deltas = [c["choices"][0]["delta"] for c in _streamed(stream)[0] if c["choices"]]
        assert [d["reasoning_content"] for d in deltas if "reasoning_content" in d] == ["h", "m"]
        assert [d["thinking_blocks"] for d in deltas if "thinking_blocks" in d] == [
            [{"index": 0, **self.SIGNED}]
        ]

    def test_signed_thinking_returns_to_its_provider_before_the_call_it_led_to(self) -> None:
        call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        turns = [
            _USER,
            {"role": "assistant", "reasoning_content": "hm", "thinking_blocks": [self.SIGNED], "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "a", "content": "1"},
        ]  # fmt: skip
        body = _to_claude(messages=turns, reasoning_effort="low")
        assert body["messages"][1]["content"][0] == self.SIGNED
        assert body["thinking"]["type"] == "enabled"

    def test_foreign_thinking_is_dropped_on_a_switch(self) -> None:
        turns = [_USER, {"role": "assistant", "content": "4", "reasoning_content": "hm"}, _USER]
        assert _to_claude(messages=turns)["messages"][1]["content"] == [{"type": "text", "text": "4"}]
        said = {"role": "assistant", "content": [self.SIGNED, {"type": "text", "text": "4"}]}
        assert _to_openai(messages=[_USER, said, _USER])["messages"][1] == {
            "role": "assistant",
            "content": "4",
        }

    def test_a_tool_loop_whose_thinking_is_lost_goes_on_without(self) -> None:
        call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        turns = [
            _USER,
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "a", "content": "1"},
        ]
        assert "thinking" not in _to_claude(messages=turns, reasoning_effort="high")


class TestBug6Effort:
    """`reasoning_effort` against a thinking budget or adaptive thinking, per model."""

    def test_newest_models_take_an_effort(self) -> None:
        body = _to_claude(_NEW, reasoning_effort="xhigh")
        assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": "xhigh"})
        assert _to_claude("claude-opus-4-6", reasoning_effort="xhigh")["output_config"] == {"effort": "max"}

    @pytest.mark.parametrize("limit", [None, 1400, 2000, 8000, 64000])
    @pytest.mark.parametrize("effort", ["minimal", "low", "medium", "high", "xhigh"])
    def test_the_budget_is_below_the_limit(self, effort: str, limit: int | None) -> None:
        body = _to_claude(reasoning_effort=effort, **({"max_completion_tokens": limit} if limit else {}))
        assert 1024 <= body["thinking"]["budget_tokens"] < body["max_tokens"]
        assert limit is None or body["max_tokens"] == limit

    def test_no_thinking_where_there_is_no_room_or_a_forced_tool(self) -> None:
        assert "thinking" not in _to_claude(reasoning_effort="high", max_tokens=1024)
        tools = [{"type": "function", "function": {"name": "f"}}]
        assert "thinking" not in _to_claude(reasoning_effort="high", tools=tools, tool_choice="required")

    def test_what_cannot_be_is_refused(self) -> None:
        for field, body, model in (
            ("reasoning_effort", {}, _OLD),
            ("temperature", {"temperature": 0.2}, _BUDGET),
            ("top_p", {"top_p": 0.5}, _BUDGET),
        ):
            with pytest.raises(Unsupported) as refused:
                _to_claude(model, reasoning_effort="low", **body)
            assert refused.value.field == field

    def test_a_budget_becomes_an_effort(self) -> None:
        for budget, effort in ((1024, "low"), (10000, "medium"), (30000, "high")):
            body = _to_openai(thinking={"type": "enabled", "budget_tokens": budget}, max_tokens=50000)
            assert body["reasoning_effort"] == effort


def test_bug_7_cache_breakpoints_are_kept_for_those_who_know_them() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    turns = [{"role": "user", "content": [{"type": "text", "text": "long", "cache_control": mark}]}]
    system = {"role": "system", "content": "be kind", "cache_control": mark}
    body = _to_claude(messages=[system, *turns])
    assert body["system"] == [{"type": "text", "text": "be kind", "cache_control": mark}]
    assert body["messages"][0]["content"][0]["cache_control"] == mark
    assert "cache_control" not in json.dumps(_to_openai(system=body["system"], messages=turns))


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
            + _events(*_stop("end_turn", output_tokens=50)).partition(b"\n\n")[2]
        )
        chunks, _, relay = _streamed(stream)
        usage = relay.usage
        assert (usage.input, usage.cache_read, usage.cache_write, usage.output) == (3, 100, 20, 50)
        assert chunks[-1]["usage"]["prompt_tokens"] == 123
        assert chunks[-1]["usage"]["completion_tokens"] == 50
        assert chunks[-1]["usage"]["prompt_tokens_details"]["cached_tokens"] == 100

    def test_later_figures_replace_earlier_ones(self) -> None:
        _, _, relay = _streamed(_events(*_stop("end_turn", input_tokens=4000, output_tokens=50)))
        assert (relay.usage.input, relay.usage.output) == (4000, 50)

    def test_the_prompt_is_known_when_a_stream_is_cancelled(self) -> None:
        _, _, relay = _streamed(_events(_start(0, type="text", text=""), _delta(0, "text_delta", text="x")))
        booked = relay.usage.estimated(999, relay.content_events)
        assert (booked.input, booked.output, booked.source) == (7, 1, "estimated")

    def test_the_other_way_cached_tokens_are_taken_out(self) -> None:
        relay = OpenAI().relay(_messages(), "m", ())
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
    _, out, relay = _streamed(_events({"type": "ping"}))
    assert out.endswith(b": keep-alive\n\n")
    out = relay.feed(b'data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n')
    assert json.loads(out.removeprefix(b"data: "))["error"]["message"] == "overloaded_error: Overloaded"
    assert relay.finish() == b""
    assert relay.error
    assert not relay.complete


def test_bug_10_the_usage_chunk_has_no_choices_and_comes_last() -> None:
    chunks, out, _ = _streamed(_events(*_stop("end_turn", output_tokens=1)))
    assert chunks[-1]["choices"] == []
    assert all("usage" not in chunk for chunk in chunks[:-1])
    assert out.endswith(b"data: [DONE]\n\n")


class TestBug11Shapes:
    """What the other side demands or does not know."""

    def test_max_tokens_is_always_there(self) -> None:
        assert _to_claude()["max_tokens"] > 0
        assert _to_claude(max_completion_tokens=5, max_tokens=9)["max_tokens"] == 5

    def test_system_as_string_blocks_several_and_midway(self) -> None:
        turns = [
            {"role": "system", "content": "a"},
            _USER,
            {"role": "developer", "content": [{"type": "text", "text": "b"}]},
            _USER,
        ]
        body = _to_claude(messages=turns)
        assert [block["text"] for block in body["system"]] == ["a", "b"]
        assert [message["role"] for message in body["messages"]] == ["user"]
        assert len(body["messages"][0]["content"]) == 2
        for system in ("a", [{"type": "text", "text": "a"}]):
            assert _to_openai(system=system)["messages"][0] == {"role": "system", "content": "a"}

    def test_a_conversation_of_system_alone(self) -> None:
        body = _to_claude(messages=[{"role": "system", "content": "a"}, {"role": "system", "content": "b"}])
        assert body["system"] == [{"type": "text", "text": "a"}]
        assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "b"}]}]

    @pytest.mark.parametrize(("url", "source"), [
        ("https://x.test/a.png", {"type": "url", "url": "https://x.test/a.png"}),
        ("data:image/png;base64,AAAA", {"type": "base64", "media_type": "image/png", "data": "AAAA"}),
    ])  # fmt: skip
    def test_images_there_and_back(self, url: str, source: dict[str, str]) -> None:
        part = {"type": "image_url", "image_url": {"url": url}}
        turn = _to_claude(messages=[{"role": "user", "content": [part]}])["messages"][0]
        assert turn["content"] == [{"type": "image", "source": source}]
        assert _to_openai(messages=[turn])["messages"][0]["content"] == [part]

    def test_documents_there_and_back(self) -> None:
        part = {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
        }
        turn = _to_claude(messages=[{"role": "user", "content": [part]}])["messages"][0]
        source = {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}
        assert turn["content"] == [{"type": "document", "source": source, "title": "a.pdf"}]
        assert _to_openai(messages=[turn])["messages"][0]["content"] == [part]

    def test_files_by_reference_only_where_they_are_kept(self) -> None:
        def ask(file_id: str) -> Call:
            return _chat(
                messages=[{"role": "user", "content": [{"type": "file", "file": {"file_id": file_id}}]}]
            )

        outgoing = _CLAUDE.outgoing(ask("file_011"), _BUDGET)
        assert (b"anthropic-beta", b"files-api-2025-04-14") in outgoing.headers
        with pytest.raises(Unsupported):
            _CLAUDE.outgoing(ask("file-openai"), _BUDGET)

    def test_images_in_a_tools_result_follow_it(self) -> None:
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
        result = {
            "type": "tool_result",
            "tool_use_id": "a",
            "content": [{"type": "text", "text": "see"}, image],
        }
        turns = _to_openai(messages=[{"role": "user", "content": [{"type": "text", "text": "so?"}, result]}])[
            "messages"
        ]
        assert turns[0] == {"role": "tool", "tool_call_id": "a", "content": "see"}
        assert [part["type"] for part in turns[1]["content"]] == ["text", "image_url"]


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
        relay = VLLM().relay(_chat(n=2), "m", ())
        relay.feed(body)
        assert relay.finish() == body

    def test_streamed(self) -> None:
        stream = (
            b'data: {"choices":[{"index":1,"delta":{"refusal":"no"}}]}\n\n'
            b'data: {"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}\n\n'
            b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n'
        )
        relay = VLLM().relay(_chat(n=2, stream=True), "m", ())
        assert relay.feed(stream) == stream
        assert relay.content_events == 2

    def test_several_answers_are_refused_where_they_cannot_be_had(self) -> None:
        with pytest.raises(Unsupported) as refused:
            _to_claude(n=2)
        assert refused.value.field == "n"


@pytest.mark.parametrize(("status", "body", "kind", "shown"), [
    (404, {"type": "error", "error": {"type": "not_found_error", "message": "model: claude-9"}}, "gone", 404),
    (401, {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}, "ours", 502),
    (429, {"type": "error", "error": {"type": "rate_limit_error", "message": "organization o-1 is over"}}, "busy", 429),
    (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "busy", 503),
    (413, {"type": "error", "error": {"type": "request_too_large", "message": "too large"}}, "client", 413),
])  # fmt: skip
def test_bug_13_error_classes(status: int, body: dict[str, Any], kind: str, shown: int) -> None:
    refusal = _CLAUDE.refusal(status, (), json.dumps(body).encode())
    assert (refusal.kind, refusal.status) == (kind, shown)
    assert set(json.loads(refusal.body)["error"]) == {"message", "type", "param", "code"}
    assert b"o-1" not in refusal.body


def test_bug_14_no_stale_content_encoding() -> None:
    relay = _CLAUDE.relay(_chat(), _BUDGET, ((b"content-encoding", b"identity"), (b"content-length", b"9")))
    assert relay.headers() == ((b"content-type", b"application/json"),)
    assert (b"accept-encoding", b"identity") in _CLAUDE.outgoing(_chat(), _BUDGET).headers


def test_bug_15_what_was_used_is_known_when_the_client_gives_up() -> None:
    relay = VLLM().relay(_chat(stream=True), "m", ())
    relay.feed(b'data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}\n\n' * 3)
    booked = relay.usage.estimated(40, relay.content_events)
    assert (booked.prompt, booked.generated, booked.source) == (40, 3, "estimated")
