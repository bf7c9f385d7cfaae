"""Hypothesis over every recorded stream and pair of dialects: any chunking gives the same answer, and a cut at any byte
is never a clean stop."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.anthropic import Anthropic
from adapters.call import Backend, Call, Dialect, Relay
from adapters.deviations import Deviations
from adapters.document import parse
from adapters.errors import StreamCut, UpstreamError
from adapters.openai import OpenAI
from adapters.vllm import VLLM

pytestmark = pytest.mark.recordings

_CHAT, _MESSAGES = ("openai", "/v1/chat/completions"), ("anthropic", "/v1/messages")
_RESPONSES, _COMPLETIONS = ("openai", "/v1/responses"), ("openai", "/v1/completions")
_ASKED = parse(
    b'{"model":"m","messages":[{"role":"user","content":"x"}],"input":"x","prompt":"x","stream":true}'
)


def _clock() -> float:
    return 1_700_000_000.0


@dataclass(frozen=True, slots=True)
class _Pair:
    """A client's dialect, and the backend whose recorded streams it gets."""

    client: Dialect
    backend: Backend
    wire: tuple[str, str]
    end: bytes  # what stands at the end of an answer that ended well, in the client's dialect

    def relay(self) -> Relay:
        """A fresh one."""
        return self.backend.relay(Call(self.client, _ASKED, stream=True, wants_usage=True), "m", ())


_DONE, _STOP = b"data: [DONE]", b"event: message_stop"
_ENDED = b"event: response.completed"
_PAIRS = {
    "chat from chat": _Pair("chat", OpenAI(), _CHAT, _DONE),
    "chat from vllm": _Pair("chat", VLLM(), _CHAT, _DONE),
    "chat from messages": _Pair("chat", Anthropic(clock=_clock), _MESSAGES, _DONE),
    "messages from chat": _Pair("messages", OpenAI(clock=_clock), _CHAT, _STOP),
    "messages from messages": _Pair("messages", Anthropic(), _MESSAGES, _STOP),
    "responses from responses": _Pair("responses", OpenAI(), _RESPONSES, _ENDED),
    "responses from chat": _Pair(
        "responses",
        OpenAI(deviations=Deviations(lacks=frozenset({"responses"})), clock=_clock),
        _CHAT,
        _ENDED,
    ),
    "responses from messages": _Pair("responses", Anthropic(clock=_clock), _MESSAGES, _ENDED),
    "completions from completions": _Pair("completions", OpenAI(), _COMPLETIONS, _DONE),
}
_THOROUGH = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="session")
def streams(recorded: Callable[[str, str], list[Any]]) -> Callable[[tuple[str, str]], list[bytes]]:
    """The recorded streams of a wire that ended as they should."""

    @functools.cache
    def load(wire: tuple[str, str]) -> list[bytes]:
        rows = [row["response"] for row in recorded(*wire)]
        return [row["sse"].encode() for row in rows if row["status"] == 200 and "sse" in row]

    return load


@pytest.mark.parametrize("name", _PAIRS)
def test_any_chunking_of_any_recorded_stream_gives_the_same_answer(streams, name: str) -> None:
    pair = _PAIRS[name]
    known = streams(pair.wire)

    @_THOROUGH
    @given(st.sampled_from(range(len(known))), st.lists(st.integers(0, 40_000), max_size=30))
    def check(index: int, cuts: list[int]) -> None:
        stream = known[index]
        whole = pair.relay()
        expected = whole.feed(stream) + whole.finish()
        relay, out, at = pair.relay(), b"", 0
        for cut in [*sorted(cuts), len(stream)]:
            out += relay.feed(stream[at:cut])
            at = max(at, cut)
        assert out + relay.finish() == expected
        assert relay.complete
        assert relay.error is None
        assert (relay.usage, relay.content_events, relay.finish_reason, relay.made) == (
            whole.usage, whole.content_events, whole.finish_reason, whole.made,
        )  # fmt: skip

    check()


@pytest.mark.parametrize("name", _PAIRS)
def test_a_cut_at_any_byte_of_any_recorded_stream_is_no_clean_stop(streams, name: str) -> None:
    pair = _PAIRS[name]
    known = streams(pair.wire)

    @_THOROUGH
    @given(st.sampled_from(range(len(known))), st.floats(0, 1, exclude_max=True))
    def check(index: int, share: float) -> None:
        stream = known[index]
        relay = pair.relay()
        out = relay.feed(stream[: int(share * len(stream))])
        if relay.complete:  # the rest is a line's end, or what no client waits for
            assert pair.end in out
            return
        assert pair.end not in out
        try:
            out += relay.finish()  # the connection ended as if all had been said
        except (StreamCut, UpstreamError):
            assert not relay.complete
            told = relay.failure("The answer broke off.")
            assert pair.end not in out + told
            assert b"The answer broke off." in told
            assert b"error" in told
        else:  # what was lost was no more than the farewell after the finish
            assert relay.complete
            assert relay.finish_reason is not None

    check()


def test_every_recorded_stream_is_among_them(streams, share) -> None:
    found = {wire: len(streams(wire)) for wire in (_CHAT, _MESSAGES, _RESPONSES, _COMPLETIONS)}
    assert found == {_CHAT: 120, _MESSAGES: 83, _RESPONSES: 66, _COMPLETIONS: 17}
    share(
        f"pairs of dialects hold any chunking and any cut of {sum(found.values())} recorded streams",
        len(_PAIRS),
        len(_PAIRS),
    )


def test_a_stream_is_what_it_seems(streams) -> None:
    """The ends that the tests above look for are there."""
    for pair in _PAIRS.values():
        relay = pair.relay()
        assert pair.end in relay.feed(streams(pair.wire)[0]) + relay.finish()
