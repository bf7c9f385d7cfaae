"""However a responses stream is cut or chunked: never a clean stop, a lost error, a lost count or another answer."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.anthropic import Anthropic
from adapters.call import Backend, Call, Relay
from adapters.deviations import Deviations
from adapters.document import parse
from adapters.errors import StreamCut, UpstreamError
from adapters.openai import OpenAI
from adapters.vllm import VLLM
from tests.contract import responses_oracle as oracle
from tests.contract.chunking import check_cut_up
from tests.contract.test_cuts import _CHAT, _MESSAGES

_ASKED = parse(b'{"model":"m","input":"x","stream":true}')
_CHAT_ONLY = OpenAI(deviations=Deviations(lacks=frozenset({"responses"})), clock=lambda: 1.0)
_CLAUDE = Anthropic(clock=lambda: 1.0)
_CLEAN = ("response.completed", "response.incomplete")
_USAGE = {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 2}, "output_tokens": 9,
          "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 14}  # fmt: skip


def _events(*events: dict[str, object]) -> bytes:
    numbered = ({"sequence_number": i, **event} for i, event in enumerate(events))
    return b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in numbered)


def _response(status: str, **also: object) -> dict[str, object]:
    return {"id": "resp_1", "object": "response", "status": status, "output": [], "usage": None, **also}


_BEGUN = (
    {"type": "response.created", "response": _response("in_progress")},
    {"type": "response.output_item.added", "output_index": 0, "item": {"id": "msg_1", "type": "message"}},
    {"type": "response.output_text.delta", "item_id": "msg_1", "delta": 'response.completed\n\n{"usage":{}}'},
    {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "ü"},
)  # fmt: skip
_RESPONSES = _events(
    *_BEGUN, {"type": "response.completed", "response": _response("completed", usage=_USAGE)}
)


def _relay(backend: Backend) -> Relay:
    return backend.relay(Call("responses", _ASKED, stream=True, wants_usage=True), "m", ())


_PAIRS: dict[
    str, tuple[Callable[[], Relay], bytes, bytes]
] = {  # relay, what comes, where it says how it finished
    "responses": (lambda: _relay(OpenAI()), _RESPONSES, b'"status": "completed"'),
    "chat": (lambda: _relay(_CHAT_ONLY), _CHAT, b'"finish_reason":"stop"'),
    "messages": (lambda: _relay(_CLAUDE), _MESSAGES, b'"stop_reason"'),
}


def _kinds(out: bytes) -> list[str]:
    return [line[7:].decode() for line in out.splitlines() if line.startswith(b"event: ")]


@pytest.mark.parametrize("pair", _PAIRS)
def test_a_cut_at_any_byte_is_no_clean_stop(pair: str) -> None:
    make, stream, finish = _PAIRS[pair]
    finished = stream.index(b"\n\n", stream.index(finish))
    for cut in range(len(stream) - 1):
        relay = make()
        out = relay.feed(stream[:cut])
        assert not relay.complete, cut
        assert not set(_kinds(out)) & set(_CLEAN), cut
        if cut < finished:
            with pytest.raises((StreamCut, UpstreamError)):
                relay.finish()
            assert not relay.complete, cut
        told = out + relay.failure("The answer broke off.")
        assert _kinds(told)[-1] == "error", cut
        assert json.loads(told.split(b"data: ")[-1])["message"] == "The answer broke off."


@pytest.mark.parametrize("pair", _PAIRS)
def test_the_error_that_ends_a_cut_stream_has_the_next_number(pair: str) -> None:
    make, stream, _ = _PAIRS[pair]
    for cut in range(0, len(stream) - 1, 7):
        relay = make()
        out = relay.feed(stream[:cut])
        whole = out[: out.rfind(b"\n\n") + 2]
        events = oracle.events_of(whole + relay.failure("x"))
        assert [event["sequence_number"] for event in events] == list(range(len(events)))


@pytest.mark.parametrize("pair", _PAIRS)
@given(cuts=st.lists(st.integers(0, 1200), max_size=12))
def test_any_chunking_gives_the_same_answer(pair: str, cuts: list[int]) -> None:
    make, stream, _ = _PAIRS[pair]
    check_cut_up(make, stream, cuts)


_RECORDED = (
    (OpenAI(), "openai", "/v1/responses"),
    (_CHAT_ONLY, "openai", "/v1/chat/completions"),
    (_CLAUDE, "anthropic", "/v1/messages"),
)


@pytest.mark.recordings
def test_no_recorded_stream_ends_cleanly_where_it_is_cut(recorded, share) -> None:
    """Every recorded stream of the three dialects, cut anywhere."""
    checked = 0
    for backend, provider, path in _RECORDED:
        for recording in recorded(provider, path):
            stream = recording["response"].get("sse", "").encode()
            if recording["response"]["status"] != 200 or not stream:
                continue
            for cut in (len(stream) // 5, len(stream) // 3, len(stream) // 2):
                relay = _relay(backend)
                out = relay.feed(stream[:cut])
                assert relay.complete == bool(set(_kinds(out)) & set(_CLEAN)), recording["id"]
                checked += not relay.complete
    share("recorded streams cut short never end cleanly for a responses client", checked, checked)
    assert checked > 500


@pytest.mark.parametrize(
    "last",
    [
        {
            "type": "response.failed",
            "response": _response("failed", error={"code": "server_error", "message": "died"}),
        },
        {"type": "error", "code": "server_error", "message": "died", "param": None},
        {"type": "error", "error": {"type": "server_error", "code": None, "message": "died"}},
    ],
    ids=["failed", "flat error", "nested error"],
)
@pytest.mark.parametrize("size", [1, 7, 4000])
def test_an_error_after_the_200_is_an_error(last: dict[str, object], size: int) -> None:
    stream = _events(*_BEGUN, last)
    relay = _relay(OpenAI())
    out = b"".join(relay.feed(stream[i : i + size]) for i in range(0, len(stream), size)) + relay.finish()
    assert out == stream
    assert relay.error == "died"
    assert not relay.complete


@pytest.mark.parametrize(
    ("backend", "stream"),
    [
        (_CHAT_ONLY, b'data: {"error":{"message":"engine died"}}\n\ndata: [DONE]\n\n'),
        (_CLAUDE, b'data: {"type":"error","error":{"type":"overloaded_error","message":"engine died"}}\n\n'),
    ],
    ids=["chat", "messages"],
)  # fmt: skip
def test_an_error_of_another_dialect_is_told_in_this_one(backend: Backend, stream: bytes) -> None:
    relay = _relay(backend)
    out = relay.feed(stream) + relay.finish()
    assert _kinds(out) == ["error"]
    assert "engine died" in json.loads(out.split(b"data: ")[1])["message"]
    assert not relay.complete


def test_an_incomplete_response_ends_as_it_should() -> None:
    reason = {"incomplete_details": {"reason": "max_output_tokens"}, "usage": _USAGE}
    stream = _events(*_BEGUN, {"type": "response.incomplete", "response": _response("incomplete", **reason)})
    relay = _relay(OpenAI())
    assert relay.feed(stream) + relay.finish() == stream
    assert (relay.complete, relay.finish_reason) == (True, "length")
    assert (relay.usage.input, relay.usage.cache_read, relay.usage.output) == (3, 2, 9)
    assert relay.made == ("resp_1",)


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_whole_response_that_failed_is_no_success(status: str) -> None:
    relay = OpenAI().relay(Call("responses", _ASKED, stream=False, wants_usage=True), "m", ())
    body = json.dumps(_response(status, error=None, usage=_USAGE)).encode()
    assert relay.feed(body) + relay.finish() == body
    assert relay.error is not None
    assert not relay.complete
    assert relay.usage.generated == 9


def test_an_error_is_not_forgotten_when_the_answer_goes_on() -> None:
    completed = {"type": "response.completed", "response": _response("completed", usage=_USAGE)}
    stream = _events(*_BEGUN, {"type": "error", "message": "died"}, completed)
    relay = _relay(OpenAI())
    relay.feed(stream)
    relay.finish()
    assert (relay.error, relay.complete) == ("died", False)
    assert relay.usage.generated == 9


def test_a_completed_event_of_a_cancelled_response_is_no_success() -> None:
    """vLLM ends every stream with that event, whatever the status."""
    relay = _relay(VLLM())
    relay.feed(_events(*_BEGUN, {"type": "response.completed", "response": _response("cancelled")}))
    relay.finish()
    assert relay.error is not None
    assert not relay.complete


def test_why_a_response_is_incomplete() -> None:
    for reason, finish in (("content_filter", "content_filter"), ("max_output_tokens", "length")):
        relay = OpenAI().relay(Call("responses", _ASKED, stream=False, wants_usage=True), "m", ())
        relay.feed(json.dumps(_response("incomplete", incomplete_details={"reason": reason})).encode())
        relay.finish()
        assert (relay.finish_reason, relay.complete) == (finish, True)
