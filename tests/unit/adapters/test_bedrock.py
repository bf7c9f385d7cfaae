"""Bedrock's Anthropic models: what is asked, what its errors mean, and its frames as Anthropic's own events."""

import base64
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.bedrock import Bedrock, counted_by
from adapters.call import Call, Outgoing
from adapters.dialects.ingress import INGRESS
from adapters.document import parse
from adapters.errors import StreamCut, Unsupported
from adapters.sigv4 import Credentials
from tests.integration.providers import MESSAGE_EVENTS, chunk_frame, frame

_HOST = "bedrock-runtime.eu-central-1.amazonaws.com"
_MODEL = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
_SIGNING = Bedrock(
    host=_HOST,
    region="eu-central-1",
    credentials=Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/1"),
    clock=lambda: 1795237200.0,  # 2026-11-21T05:00:00Z
)


def _call(dialect: Any = "messages", **body: Any) -> Call:
    values = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}], **body}
    if dialect == "responses":
        values = {"model": "m", "input": "hi", **body}
    return INGRESS[dialect].read(parse(json.dumps(values).encode()), ((b"anthropic-beta", b"a, b"),))


def _sent(dialect: Any = "messages", **body: Any) -> Outgoing:
    return _SIGNING.outgoing(_call(dialect, **body), _MODEL)


def test_the_body_says_version_and_betas_and_neither_model_nor_stream() -> None:
    assert json.loads(_sent(stream=True).body) == {
        "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}],
        "anthropic_version": "bedrock-2023-05-31", "anthropic_beta": ["a", "b"],
    }  # fmt: skip
    assert _sent(stream=True).path.endswith(b"/invoke-with-response-stream")


@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_other_clients_are_carried_over(dialect: str) -> None:
    sent = json.loads(_sent(dialect, service_tier="default").body)
    assert sent["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    assert not {"model", "stream", "service_tier"} & sent.keys()


def test_the_signature_covers_host_type_and_token() -> None:
    headers = dict(_sent().headers)
    assert headers[b"x-amz-date"] == b"20261121T050000Z"
    assert b"SignedHeaders=content-type;host;x-amz-date;x-amz-security-token," in headers[b"authorization"]


def test_a_bedrock_key_is_sent_as_it_is() -> None:
    headers = dict(Bedrock(api_key="b-key", host=_HOST).outgoing(_call(), _MODEL).headers)
    assert headers[b"authorization"] == b"Bearer b-key"
    assert b"x-amz-date" not in headers


def test_files_by_id_are_refused() -> None:
    part = {"type": "file", "file": {"file_id": "file_1"}}
    with pytest.raises(Unsupported, match="keeps no files"):
        _sent("chat", messages=[{"role": "user", "content": [part]}])


def test_secrets_show_nowhere() -> None:
    assert "wJalr" not in repr(_SIGNING)
    assert "token/1" not in repr(_SIGNING)


@pytest.mark.parametrize(
    ("status", "kind", "message", "fault"),
    [
        (429, "ThrottlingException", "Too many requests", "busy"),
        (400, "ServiceQuotaExceededException", "Your quota is used up", "busy"),
        (429, "ModelNotReadyException", "Not ready", "busy"),
        (408, "ModelTimeoutException", "Too slow", "busy"),
        (503, "ServiceUnavailableException", "Down", "busy"),
        (424, "ModelErrorException", "Failed", "broken"),
        (500, "InternalServerException", "Oops", "broken"),
        (403, "AccessDeniedException", "No access to the model", "ours"),
        (403, "ExpiredTokenException", "The security token is expired", "ours"),
        (403, "InvalidSignatureException", "Signature expired", "ours"),
        (404, "ResourceNotFoundException", "Could not resolve the foundation model", "gone"),
        (400, "ValidationException", "The provided model identifier is invalid.", "gone"),
        (400, "ValidationException", "Invocation with on-demand throughput isn't supported.", "ours"),
        (400, "ValidationException", "max_tokens: must be greater than 0", "client"),
    ],
)
def test_errors_by_their_type(status: int, kind: str, message: str, fault: str) -> None:
    headers = ((b"x-amzn-errortype", f"{kind}:http://internal.amazon.com/x".encode()),)
    refusal = _SIGNING.refusal(status, headers, json.dumps({"message": message}).encode())
    assert refusal.kind == fault
    assert json.loads(refusal.body)["error"]["message"]


_STREAM = b"".join(map(chunk_frame, MESSAGE_EVENTS))


def _relayed(pieces: list[bytes], dialect: Any = "messages") -> tuple[bytes, Any]:
    headers = ((b"content-type", b"application/vnd.amazon.eventstream"),)
    relay = _SIGNING.relay(_call(dialect, stream=True), _MODEL, headers)
    out = b"".join(map(relay.feed, pieces))
    return out if relay.complete else out + relay.finish(), relay


@given(st.lists(st.integers(1, len(_STREAM) - 1), max_size=6))
def test_any_cutting_gives_the_same_answer(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(_STREAM)]
    pieces = [_STREAM[a:b] for a, b in itertools.pairwise(edges)]
    out, relay = _relayed(pieces)
    assert out == b"".join(
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps(event).encode())
        for event in MESSAGE_EVENTS
    )
    assert (relay.usage.input, relay.usage.cache_read, relay.usage.output) == (12, 30, 4)
    assert relay.complete
    assert relay.headers()[0] == (b"content-type", b"text/event-stream; charset=utf-8")


@given(
    st.integers(
        0, len(_STREAM) - len(chunk_frame(MESSAGE_EVENTS[-1])) - len(chunk_frame(MESSAGE_EVENTS[-2])) - 1
    )
)
def test_a_cut_at_any_byte_is_no_clean_stop(at: int) -> None:
    with pytest.raises(StreamCut):
        _relayed([_STREAM[:at]])


@pytest.mark.parametrize("dialect", ["messages", "chat", "responses"])
def test_an_exception_in_the_stream_is_an_error(dialect: str) -> None:
    broken = _STREAM[: len(chunk_frame(MESSAGE_EVENTS[0]))] + frame(
        b'{"message":"Too many"}', exception_type="throttlingException", message_type="exception"
    )
    out, relay = _relayed([broken], dialect)
    assert "Too many" in relay.error
    assert not relay.complete
    assert b"Too many" in out


@pytest.mark.parametrize(
    ("model", "counted"),
    [
        (_MODEL, "anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic.claude-haiku-4-5-20251001-v1:0"),
        (
            "arn:aws:bedrock:eu-central-1:1:inference-profile/x",
            "arn:aws:bedrock:eu-central-1:1:inference-profile/x",
        ),
    ],
)
def test_tokens_are_counted_under_the_models_own_name(model: str, counted: str) -> None:
    assert counted_by(model) == counted


def test_a_count_leaves_room_to_think() -> None:
    thinking = {"type": "enabled", "budget_tokens": 2048}
    sent = json.loads(_sent("count_tokens", thinking=thinking, max_tokens=None).body)
    held = json.loads(base64.b64decode(sent["input"]["invokeModel"]["body"]))
    assert (held["max_tokens"], held["thinking"]) == (2049, thinking)
