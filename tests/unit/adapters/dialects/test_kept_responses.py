"""Requests about responses that are kept, by path and query; and how their answers are passed on."""

import pytest

from adapters.azure import Azure
from adapters.call import Call
from adapters.chat import TokenUsage
from adapters.deviations import Deviations
from adapters.dialects.checks import InvalidRequest
from adapters.dialects.responses import kept
from adapters.document import Document
from adapters.errors import StreamCut, Unsupported
from adapters.openai import OpenAI
from adapters.vllm import VLLM

QUEUED = (
    b'event: response.created\ndata: {"type":"response.created","sequence_number":0,'
    b'"response":{"id":"resp_1","status":"queued"}}\n\n'
)
DELTA = (
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",'
    b'"sequence_number":1,"delta":"x"}\n\n'
)


def last(status: str) -> bytes:
    return (
        b'event: response.%b\ndata: {"type":"response.%b","sequence_number":2,"response":{"id":"resp_1","status":"%b",'
        b'"error":{"message":"x"},"usage":{"input_tokens":3,"output_tokens":4}}}\n\n'
    ) % ((status.encode(),) * 3)


def call(action: kept.Action = "retrieve", query: bytes = b"", body: bytes = b"") -> Call:
    return kept.read(kept.asked("resp_1", action, query, body, "gpt"))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/v1/responses/resp_1", ("resp_1", "")),
        ("/v1/responses/resp_1/cancel", ("resp_1", "/cancel")),
        ("/v1/responses/resp_1/input_items", ("resp_1", "/input_items")),
        ("/v1/responses/resp_1/other", None),
        ("/v1/responses/", None),
        ("/v1/responses", None),
        ("/v1/responses/input_tokens", None),
        ("/v1/responses/compact", None),
    ],
)
def test_paths(path: str, found: object) -> None:
    assert kept.named(path) == found


@pytest.mark.parametrize(
    ("action", "query", "method", "target"),
    [
        ("retrieve", b"", b"GET", b"/v1/responses/resp_1"),
        (
            "retrieve",
            b"include[]=a.b&include[]=c&stream=true&starting_after=7",
            b"GET",
            b"/v1/responses/resp_1?include%5B%5D=a.b&include%5B%5D=c&stream=true&starting_after=7",
        ),
        ("delete", b"", b"DELETE", b"/v1/responses/resp_1"),
        ("cancel", b"", b"POST", b"/v1/responses/resp_1/cancel"),
        ("items", b"limit=2&order=asc", b"GET", b"/v1/responses/resp_1/input_items?limit=2&order=asc"),
    ],
)
def test_what_is_sent(action: kept.Action, query: bytes, method: bytes, target: bytes) -> None:
    sent = OpenAI(api_key="sk-ours").outgoing(call(action, query), "gpt-5")
    assert (sent.method, sent.path, sent.body) == (method, target, b"")
    assert (b"authorization", b"Bearer sk-ours") in sent.headers
    assert b"content-type" not in dict(sent.headers)


def test_an_azure_version_stays_behind_the_id() -> None:
    sent = Azure(api_version="2026-01-01").outgoing(call("items", b"limit=2"), "gpt")
    assert sent.path == b"/openai/v1/responses/resp_1/input_items?api-version=2026-01-01&limit=2" or (
        sent.path == b"/openai/responses/resp_1/input_items?api-version=2026-01-01&limit=2"
    )


@pytest.mark.parametrize("query", [b"q=1", b"stream=a%20b", b"starting_after=", b"limit=2", b"stream=%ff"])
def test_a_query_holds_nothing_but_what_is_known(query: bytes) -> None:
    with pytest.raises(InvalidRequest):
        call("retrieve", query)


def test_there_is_no_body() -> None:
    assert call("cancel", body=b" {} ").document.body == b""
    with pytest.raises(InvalidRequest, match="no body"):
        call("cancel", body=b'{"why":"x"}')


@pytest.mark.parametrize("action", ["retrieve", "delete", "cancel", "items"])
def test_who_keeps_none_says_so(action: kept.Action) -> None:
    lacking = OpenAI(deviations=Deviations(lacks=frozenset({"responses"})))
    for backend in (lacking, VLLM()):
        with pytest.raises(Unsupported):
            backend.outgoing(call(action), "m")
    if action in ("retrieve", "cancel"):
        assert VLLM(keeps_responses=True).outgoing(call(action), "m").path.startswith(b"/v1/responses/resp_1")
    else:
        with pytest.raises(Unsupported, match="an engine does not serve"):
            VLLM(keeps_responses=True).outgoing(call(action), "m")


def test_nobody_names_a_response_that_an_engine_keeps() -> None:
    """It would be written over another's of that name, which later requests of theirs build on."""
    named = Document(b"{}", "", {"model": "m", "input": "hi", "request_id": "resp_1"}, {})
    asked = Call("responses", named, stream=False, wants_usage=True)
    with pytest.raises(Unsupported) as refused:
        VLLM(keeps_responses=True).outgoing(asked, "m")
    assert refused.value.field == "request_id"


@pytest.mark.parametrize("status", ["completed", "incomplete", "failed", "cancelled"])
def test_a_stream_told_again_ends_however_the_response_did_and_costs_nothing(status: str) -> None:
    relay = kept.relay(call(query=b"stream=true"), ())
    body = QUEUED + DELTA + last(status)
    assert b"".join(relay.feed(body[at : at + 7]) for at in range(0, len(body), 7)) + relay.finish() == body
    assert (relay.complete, relay.error) == (True, None)
    assert (relay.usage.prompt, relay.usage.generated, relay.usage.source) == (0, 0, "reported")
    assert (relay.content_events, relay.made) == (0, ())


def test_a_stream_that_is_cut_is_no_clean_stop() -> None:
    relay = kept.relay(call(query=b"stream=true"), ())
    assert relay.feed(QUEUED + DELTA) == QUEUED + DELTA
    with pytest.raises(StreamCut):
        relay.finish()
    assert b'"sequence_number":2' in relay.failure("x")


def test_a_whole_answer_costs_nothing() -> None:
    relay = kept.relay(call(), ())
    body = b'{"id":"resp_1", "status":"completed","usage":{"input_tokens":3,"output_tokens":4}}'
    assert relay.feed(body) + relay.finish() == body
    assert (relay.usage.prompt, relay.made, relay.complete) == (0, ("resp_1",), True)
    assert relay.ended == kept.Ended(
        "completed", TokenUsage(input=3, output=4, source="reported"), "stop", None, None
    )
