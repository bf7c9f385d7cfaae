"""Where each backend kind sends a call, with which headers, and that its key shows nowhere."""

import json
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.call import Backend, Call, header
from adapters.dialects import chat
from adapters.document import parse
from adapters.errors import Unsupported, UpstreamError
from adapters.openai import OpenAI
from adapters.vllm import VLLM

_HEADERS = (
    (b"x-request-id", b"r1"),
    (b"traceparent", b"00-1-2-01"),
    (b"openai-beta", b"b=1"),
    (b"x-odd", b"1"),
)


def _call(**body: Any) -> Call:
    values = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], **body}
    return chat.read(parse(json.dumps(values).encode()), _HEADERS)


@pytest.mark.parametrize(
    ("base_path", "path"),
    [
        ("", b"/v1/chat/completions"),
        ("/", b"/v1/chat/completions"),
        ("/v1", b"/chat/completions"),
        ("/v1/", b"/chat/completions"),
        ("/openai", b"/v1/chat/completions"),
        ("/v1beta/openai", b"/chat/completions"),
        ("/vault", b"/v1/chat/completions"),
    ],
)
def test_base_urls_with_and_without_a_version(base_path: str, path: bytes) -> None:
    assert OpenAI(base_path).outgoing(_call(), "m").path == path
    assert Anthropic(base_path).outgoing(_call(), "m").path == path.replace(b"chat/completions", b"messages")


def test_headers_of_openai() -> None:
    headers = (
        OpenAI(api_key="k", user_agent="weir/1", extra=((b"openai-organization", b"o"),))
        .outgoing(_call(), "m")
        .headers
    )
    assert dict(headers) == {
        b"content-type": b"application/json", b"accept": b"application/json", b"accept-encoding": b"identity",
        b"user-agent": b"weir/1", b"x-request-id": b"r1", b"traceparent": b"00-1-2-01", b"openai-beta": b"b=1",
        b"authorization": b"Bearer k", b"openai-organization": b"o",
    }  # fmt: skip


def test_headers_of_anthropic() -> None:
    headers = Anthropic(api_key="k").outgoing(_call(stream=True), "m").headers
    assert header(headers, b"x-api-key") == b"k"
    assert header(headers, b"anthropic-version") == b"2023-06-01"
    assert header(headers, b"accept") == b"text/event-stream"
    assert header(headers, b"authorization") is None
    assert header(headers, b"openai-beta") is None


def test_an_engine_without_a_key_gets_none() -> None:
    assert header(VLLM().outgoing(_call(), "m").headers, b"authorization") is None


@pytest.mark.parametrize("kind", [OpenAI, VLLM, Anthropic])
def test_the_key_shows_in_no_repr(kind: Any) -> None:
    backend = kind(api_key="sk-secret", extra=((b"x-key", b"sk-secret"),))
    assert "sk-secret" not in repr(backend)


@pytest.mark.parametrize("backend", [OpenAI(), Anthropic()], ids=lambda b: b.kind)
def test_dialects_nobody_translates_are_refused(backend: Backend) -> None:
    call = Call("rerank", parse(b'{"model":"m"}'), stream=False, wants_usage=False)
    with pytest.raises(Unsupported):
        backend.outgoing(call, "m")


def test_only_vllm_samples_by_top_k_for_a_messages_client() -> None:
    body = b'{"model":"m","max_tokens":5,"top_k":3,"messages":[{"role":"user","content":"x"}]}'
    call = Call("messages", parse(body), stream=False, wants_usage=True)
    assert json.loads(VLLM().outgoing(call, "m").body)["top_k"] == 3
    with pytest.raises(Unsupported):
        OpenAI().outgoing(call, "m")


def test_messages_clients_reach_anthropic_as_they_are() -> None:
    body = b'{"model":"auto", "metadata":{"user_id":"u","workflow":"w"}, "max_tokens":5,"messages":[]}'
    call = Call("messages", parse(body), stream=False, wants_usage=True)
    sent = Anthropic().outgoing(call, "claude").body
    assert sent == b'{"model":"claude", "metadata":{"user_id": "u"}, "max_tokens":5,"messages":[]}'


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("backend", [OpenAI(), Anthropic()], ids=lambda b: b.kind)
def test_a_compressed_answer_is_refused_at_its_first_byte(backend: Backend, stream: bool) -> None:
    relay = backend.relay(_call(stream=stream), "m", ((b"content-encoding", b"gzip"),))
    with pytest.raises(UpstreamError, match="compressed"):
        relay.feed(b"\x1f\x8b")
