"""The relay between two that speak chat: what it reads, what it strips, what it refuses."""

import json
from typing import Any

import pytest

from adapters.dialects import chat
from adapters.dialects.chat.relay import relay
from adapters.document import AT_ONCE, parse
from adapters.errors import StreamCut, UpstreamError

_DONE = b"data: [DONE]\n\n"


def _call(**body: Any) -> Any:
    return chat.read(parse(json.dumps({"model": "m", "messages": [{}], **body}).encode()))


def _stream(wants_usage: bool = False, headers: Any = (), **body: Any) -> Any:
    return relay(_call(stream=True, stream_options={"include_usage": wants_usage}, **body), headers)


def _event(separators: tuple[str, str] = (",", ":"), **chunk: Any) -> bytes:
    return b"data: " + json.dumps(chunk, separators=separators).encode() + b"\n\n"


def _choice(content: str = "x", finish: str | None = None) -> list[dict[str, Any]]:
    return [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_null_usage_and_the_usage_chunk_go_for_those_who_did_not_ask(separators: tuple[str, str]) -> None:
    first = _event(separators, usage=None, id="1", choices=_choice('say "usage":null, ok'))
    last = _event(separators, choices=_choice("y", "stop"), usage=None, obfuscation="z")
    usage = _event(separators, choices=[], usage={"prompt_tokens": 1, "completion_tokens": 2})
    held = _stream()
    out = held.feed(first + last + usage + _DONE)
    assert out == (
        _event(separators, id="1", choices=_choice('say "usage":null, ok'))
        + _event(separators, choices=_choice("y", "stop"), obfuscation="z")
        + _DONE
    )
    assert (held.usage.input, held.usage.output) == (1, 2)
    asked = _stream(wants_usage=True)
    assert asked.feed(first + last + usage + _DONE) == first + last + usage + _DONE


def test_usage_beside_choices_is_read_and_passed() -> None:
    """As vLLM's continuous statistics and some providers' final chunk have it, cached tokens included."""
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 4, "created_cache_tokens": 3},
    }
    event = _event(choices=_choice("y", "stop"), usage=usage)
    held = _stream()
    assert held.feed(event) == event
    assert (held.usage.input, held.usage.cache_read, held.usage.cache_write, held.usage.output) == (
        2,
        4,
        3,
        2,
    )


def test_an_empty_choices_chunk_without_usage_passes() -> None:
    event = _event(choices=[], prompt_filter_results=[])
    assert _stream().feed(event) == event


def test_metrics_of_the_engine() -> None:
    held = _stream()
    held.feed(_event(choices=[], usage={"prompt_tokens": 1}, metrics={"queue_time_ms": 2.5, "odd": None}))
    assert held.metrics == {"queue_time_ms": 2.5}


def test_one_piece_of_bytes_however_many_events() -> None:
    held = _stream()
    assert held.feed(_event(choices=_choice()) * 5 + b"data: {") == _event(choices=_choice()) * 5
    assert held.content_events == 5


@pytest.mark.parametrize("delta", [
    {"content": "x"}, {"reasoning_content": "x"}, {"reasoning": "x"}, {"refusal": "x"},
    {"tool_calls": [{"index": 0, "function": {"arguments": "x"}}]}, {"audio": {"data": "x"}},
])  # fmt: skip
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_every_kind_of_content_is_counted(delta: dict[str, Any], separators: tuple[str, str]) -> None:
    held = _stream()
    held.feed(_event(separators, choices=[{"index": 0, "delta": delta, "finish_reason": None}]))
    assert held.content_events == 1


@pytest.mark.parametrize("delta", [{}, {"role": "assistant"}, {"role": "assistant", "content": ""}])
def test_a_delta_without_content_is_not(delta: dict[str, Any]) -> None:
    held = _stream()
    held.feed(_event(choices=[{"index": 0, "delta": delta, "finish_reason": None}]))
    assert held.content_events == 0


def test_an_end_without_done_counts_only_when_every_choice_finished() -> None:
    held = _stream(n=2)
    held.feed(_event(choices=_choice("x", "stop")))
    with pytest.raises(StreamCut):
        held.finish()
    held.feed(_event(choices=[{"index": 1, "delta": {}, "finish_reason": "length"}]))
    assert held.finish() == b""
    assert held.complete


def test_a_last_event_without_its_blank_line_is_closed() -> None:
    held = _stream()
    assert held.feed(_event(choices=_choice("x", "stop")) + b"data: [DONE]") == _event(
        choices=_choice("x", "stop")
    )
    assert held.finish() == _DONE
    assert held.complete


@pytest.mark.parametrize("junk", [b"data: {nope}\n\n", b"data: [1]\n\n", b"<html>\n\ndata: x\n\n"])
def test_nonsense_is_a_fault_of_the_provider(junk: bytes) -> None:
    with pytest.raises(UpstreamError) as refused:
        _stream().feed(b": hello\n\n" + junk)
    assert refused.value.failure == "protocol"


@pytest.mark.parametrize("content_type", [b"application/json", b"text/event-stream", b""])
def test_the_first_byte_tells_a_stream_from_json(content_type: bytes) -> None:
    headers = ((b"content-type", content_type),)
    labelled_json = _stream(headers=headers)
    assert labelled_json.feed(b"\r\n") == b""
    assert labelled_json.feed(_event(choices=_choice()))
    assert labelled_json.headers()[0][1].startswith(b"text/event-stream")


def test_json_where_a_stream_was_asked_becomes_one() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "x", "tool_calls": [call]}
    answer = {
        "id": "1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    }  # fmt: skip
    held = _stream(wants_usage=True)
    body = json.dumps(answer).encode()
    assert held.feed(body[:9]) + held.feed(body[9:]) == b""
    events = [e.removeprefix("data: ") for e in held.finish().decode().split("\n\n")]
    first, usage = json.loads(events[0]), json.loads(events[1])
    assert events[2:] == ["[DONE]", ""]
    assert first["choices"][0]["delta"] == {
        "role": "assistant",
        "content": "x",
        "tool_calls": [{"index": 0, **call}],
    }
    assert (first["choices"][0]["finish_reason"], first["object"]) == ("stop", "chat.completion.chunk")
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], 2)
    assert held.complete
    cut = _stream()
    cut.feed(body[:-1])
    with pytest.raises(StreamCut):
        cut.finish()


@pytest.mark.parametrize(
    "error", [{"error": {"message": "died"}}, {"error": "died"}, {"object": "error", "message": "died"}]
)
def test_an_error_with_status_200_is_no_answer(error: dict[str, Any]) -> None:
    body = json.dumps(error).encode()
    whole = relay(_call(), ())
    whole.feed(body)
    assert whole.finish() == body
    assert (whole.error, whole.complete) == ("died", False)
    streamed = _stream()
    streamed.feed(b"data: " + body + b"\n\n")
    assert (streamed.error, streamed.complete) == ("died", False)


def test_an_answer_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.dialects.relaying.LONGEST_ANSWER", 10)
    held = relay(_call(), ())
    with pytest.raises(UpstreamError, match="longer"):
        held.feed(b"x" * 11)


def test_failures_are_told_in_openais_words() -> None:
    assert json.loads(relay(_call(), ()).failure("died"))["error"]["message"] == "died"
    streamed = _stream().failure("died")
    assert json.loads(streamed.removeprefix(b"data: "))["error"]["message"] == "died"
    assert streamed.endswith(b"\n\n")


def test_a_long_event_passes_as_it_came_and_is_read_like_any_other() -> None:
    words = "word " * AT_ONCE
    long = _event(id="1", choices=_choice(words))
    short = _event(id="1", choices=_choice("y", "stop"), usage=None)
    usage = _event(choices=[], usage={"prompt_tokens": 1, "completion_tokens": 2})
    answer, out, came = _stream(), b"", long + short + usage + _DONE
    most = 0
    for at in range(0, len(came), 65_536):
        out += answer.feed(came[at : at + 65_536])
        most = max(most, answer.held)
    assert out == long + _event(id="1", choices=_choice("y", "stop")) + _DONE
    assert most > AT_ONCE, "whoever feeds it knows"
    assert answer.held == 0
    assert (answer.content_events, answer.finish_reason, answer.complete) == (2, "stop", True)
    assert answer.usage.output == 2


@pytest.mark.parametrize(
    ("member", "error"),
    [
        (b'"id":1,"id":2', None),  # orjson takes the latter
        (b'"id":tru', StreamCut),
        (b'"id":"\xff"', StreamCut),
        (b'"id":NaN', StreamCut),
    ],
)
def test_a_large_answer_is_read_as_strictly_as_a_small_one(member: bytes, error: Any) -> None:
    for size in (1, AT_ONCE):
        body = b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2},"pad":"%b",%b}' % (
            b"x" * size,
            member,
        )
        answer = relay(_call(), ())
        assert answer.feed(body) == b""
        assert answer.held == len(body)
        if error is None:
            assert answer.finish() == body
            assert answer.usage.output == 2
        else:
            with pytest.raises(error):
                answer.finish()


def test_a_large_list_is_no_answer() -> None:
    answer = relay(_call(), ())
    answer.feed(b'["%b"]' % (b"x" * AT_ONCE))
    with pytest.raises(UpstreamError, match="not a JSON object"):
        answer.finish()
