"""However a stream is cut, it never ends cleanly: no clean stop, no lost error, no lost count."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.anthropic import Anthropic
from adapters.call import Backend, Call, Relay
from adapters.document import parse
from adapters.errors import StreamCut, UpstreamError
from adapters.openai import OpenAI
from tests.contract.chunking import check_cut_up

_CHAT = b"".join(
    b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"
    for chunk in (
        {"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
        {"id": "1", "choices": [{"index": 0, "delta": {"content": 'a "usage":{} b'}, "finish_reason": None}]},
        {"id": "1", "choices": [{"index": 0, "delta": {"content": "ü\n\n[DONE]"}, "finish_reason": None}]},
        {"id": "1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"id": "1", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}},
    )
) + (b"data: [DONE]\n\n")

_MESSAGES = b"".join(
    b"event: " + event["type"].encode() + b"\ndata: " + json.dumps(event).encode() + b"\n\n"
    for event in (
        {"type": "message_start", "message": {"id": "m", "model": "c", "usage": {"input_tokens": 5}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a \n\nmessage_stop"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t", "name": "f"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"a":1}'}},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    )
)  # fmt: skip

_STREAM = b'{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true}'
_WHOLE = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'


def _relay(backend: Backend, dialect: str, body: bytes) -> Relay:
    call = Call(dialect, parse(body), body is _STREAM, wants_usage=True)  # type: ignore[arg-type]  # a literal below
    return backend.relay(call, "m", ())


_FINISHED, _STOPPED = b'"finish_reason":"stop"', b'"stop_reason"'
_LAST_WORDS = (b"data: [DONE]\n\n", b'message_stop"}\n\n')
_PAIRS = {  # (relay, what the provider sends, where it says how the answer finished)
    "chat to chat": (lambda: _relay(OpenAI(), "chat", _STREAM), _CHAT, _FINISHED),
    "messages to chat": (lambda: _relay(Anthropic(), "chat", _STREAM), _MESSAGES, _STOPPED),
    "chat to messages": (lambda: _relay(OpenAI(), "messages", _STREAM), _CHAT, _FINISHED),
    "messages to messages": (lambda: _relay(Anthropic(), "messages", _STREAM), _MESSAGES, _STOPPED),
}


@pytest.mark.parametrize("pair", _PAIRS)
def test_a_cut_at_any_byte_is_no_clean_stop(pair: str) -> None:
    make, stream, finish = _PAIRS[pair]
    finished = stream.index(b"\n\n", stream.index(finish))
    for cut in range(len(stream)):
        relay = make()
        out = relay.feed(stream[:cut])
        whole = cut >= len(stream) - 1  # all but the very last line end
        assert not relay.complete or whole, cut
        if whole:
            continue
        assert not out.endswith(_LAST_WORDS), cut
        if cut < finished:
            with pytest.raises((StreamCut, UpstreamError)):
                relay.finish()
            assert not relay.complete, cut
            assert b"error" in relay.failure("The answer broke off."), cut
        assert not relay.failure("The answer broke off.").endswith(_LAST_WORDS)


@pytest.mark.parametrize("pair", _PAIRS)
@given(cuts=st.lists(st.integers(0, 1200), max_size=12))
def test_any_chunking_gives_the_same_answer(pair: str, cuts: list[int]) -> None:
    make, stream, _ = _PAIRS[pair]
    check_cut_up(make, stream, cuts)


@pytest.mark.parametrize("backend", [OpenAI(), Anthropic()], ids=lambda backend: backend.kind)
def test_a_whole_answer_cut_short_is_no_answer(backend: Backend) -> None:
    body = b'{"id":"1","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}'
    for cut in range(len(body)):
        relay = _relay(backend, "chat", _WHOLE)
        relay.feed(body[:cut])
        with pytest.raises(StreamCut):
            relay.finish()
        assert not relay.complete


@pytest.mark.parametrize(
    ("make", "stream"),
    [
        (
            _PAIRS["chat to chat"][0],
            b'data: {"error":{"message":"engine died","type":"internal"}}\n\ndata: [DONE]\n\n',
        ),
        (_PAIRS["chat to messages"][0], b'data: {"error":{"message":"engine died"}}\n\ndata: [DONE]\n\n'),
        (
            _PAIRS["messages to chat"][0],
            b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"engine died"}}\n\n',
        ),
    ],
    ids=["chat to chat", "chat to messages", "messages to chat"],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_an_error_after_the_200_is_an_error(make: Callable[[], Relay], stream: bytes, size: int) -> None:
    relay = make()
    out = b"".join(relay.feed(stream[i : i + size]) for i in range(0, len(stream), size)) + relay.finish()
    assert relay.error is not None
    assert "engine died" in relay.error
    assert not relay.complete
    assert b"engine died" in out
    assert b"[DONE]" not in out
    assert b"message_stop" not in out
