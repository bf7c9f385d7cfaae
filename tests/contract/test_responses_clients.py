"""Responses that Weir writes, read by OpenAI's own library: its types, its stream accumulator, its exceptions."""

import json
from typing import Any

import httpx
import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from adapters.anthropic import Anthropic
from adapters.call import Backend, Call
from adapters.deviations import Deviations
from adapters.document import parse
from adapters.openai import OpenAI
from tests.contract import responses_oracle as oracle

_CHAT_ONLY = OpenAI(deviations=Deviations(lacks=frozenset({"responses"})))
_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
_CUSTOM = {"type": "custom", "name": "run_sql", "description": "Runs a query."}
_WEATHER = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {}},
    "strict": True,
}


def _client(content: bytes, headers: Any = ()) -> openai.OpenAI:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers=list(headers), content=content))
    return openai.OpenAI(
        api_key="k", base_url="http://weir/v1", http_client=httpx.Client(transport=transport), max_retries=0
    )


def _through(backend: Backend, body: bytes, *, stream: bool, **asked: Any) -> tuple[bytes, Any]:
    document = parse(json.dumps({"model": "m", "input": "x", **asked}).encode())
    relay = backend.relay(Call("responses", document, stream, wants_usage=True), "m", ())
    return relay.feed(body) + relay.finish(), relay.headers()


def _read(backend: Backend, recording: dict[str, Any]) -> Response:
    """The recorded answer as the library's user gets it."""
    answer = recording["response"]
    stream = "sse" in answer
    body = answer["sse"] if stream else json.dumps(answer["body"])
    out, headers = _through(backend, body.encode(), stream=stream, tools=[_WEATHER, _CUSTOM])
    Response.model_validate(oracle.assembled(out) if stream else json.loads(out))
    for event in oracle.events_of(out) if stream else ():
        _EVENT.validate_python(event)
    with _client(out, headers) as client:
        if not stream:
            return client.responses.create(model="m", input="x")
        with client.responses.stream(model="m", input="x") as events:
            last: Any = list(events)[
                -1
            ]  # `get_final_response` raises for an incomplete one, OpenAI's own too
            return last.response


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("backend", "provider", "path"),
    [(Anthropic(), "anthropic", "/v1/messages"), (_CHAT_ONLY, "openai", "/v1/chat/completions")],
    ids=["messages", "chat"],
)
def test_the_openai_library_reads_translated_answers(recorded, share, backend, provider, path) -> None:
    rows = [r for r in recorded(provider, path) if r["response"]["status"] == 200]
    rows = [r for r in rows if (r["request"]["body"].get("n") or 1) == 1]
    for recording in rows:
        response = _read(backend, recording)
        assert response.status in ("completed", "incomplete"), recording["id"]
        assert response.usage is None or response.usage.total_tokens > 0, recording["id"]
        message = recording["response"].get("body")
        if message is not None and provider == "anthropic":
            said = "".join(block["text"] for block in message["content"] if block["type"] == "text")
            assert response.output_text == said, recording["id"]
    share(f"{path} answers read as responses by the openai library", len(rows), len(rows))


_CHAT_STREAM = (
    b"".join(
        b"data: "
        + json.dumps({"id": "1", "model": "m", "choices": [{"index": 0, **choice}]}).encode()
        + b"\n\n"
        for choice in (
            {"delta": {"role": "assistant", "reasoning_content": "Two "}},
            {"delta": {"reasoning_content": "calls."}},
            {"delta": {"content": "On it."}},
            {
                "delta": {
                    "tool_calls": [{"index": 0, "id": "c0", "function": {"name": "weather", "arguments": ""}}]
                }
            },
            {
                "delta": {
                    "tool_calls": [
                        {"index": 1, "id": "c1", "function": {"name": "run_sql", "arguments": '{"in'}}
                    ]
                }
            },
            {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"city":'}}]}},
            {"delta": {"tool_calls": [{"index": 1, "function": {"arguments": 'put":"SELECT \\"1\\""}'}}]}},
            {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": '"Ulm"}'}}]}},
            {"delta": {}, "finish_reason": "tool_calls"},
        )
    )
    + b'data: {"id":"1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4}}\n\ndata: [DONE]\n\n'
)


def test_parallel_calls_of_functions_and_custom_tools() -> None:
    """Interleaved arguments land in the right calls; a custom tool's input comes out of its JSON."""
    out, headers = _through(_CHAT_ONLY, _CHAT_STREAM, stream=True, tools=[_WEATHER, _CUSTOM])
    checked = oracle.assembled(out)
    with _client(out, headers) as client, client.responses.stream(model="m", input="x") as events:
        response = events.get_final_response()
    kinds = ["reasoning", "message", "function_call", "custom_tool_call"]
    assert [item.type for item in response.output] == kinds == [item["type"] for item in checked["output"]]
    thought, message, function, custom = checked["output"]
    assert thought["summary"] == [{"type": "summary_text", "text": "Two calls."}]
    assert message["content"][0]["text"] == "On it."
    assert (function["call_id"], function["name"], function["arguments"]) == (
        "c0",
        "weather",
        '{"city":"Ulm"}',
    )
    assert (custom["call_id"], custom["name"], custom["input"]) == ("c1", "run_sql", 'SELECT "1"')
    assert response.usage is not None
    assert response.usage.total_tokens == 13


@pytest.mark.parametrize("backend", [OpenAI(), _CHAT_ONLY, Anthropic()], ids=["native", "chat", "messages"])
def test_a_stream_that_fails_raises(backend: Backend) -> None:
    document = parse(b'{"model":"m","input":"x"}')
    relay = backend.relay(Call("responses", document, stream=True, wants_usage=True), "m", ())
    with (
        _client(relay.failure("The answer broke off."), relay.headers()) as client,
        pytest.raises(openai.APIError, match="broke off"),
    ):
        list(client.responses.create(model="m", input="x", stream=True))


def test_a_whole_answer_to_a_streamed_request_becomes_a_stream() -> None:
    """Some endpoints answer a streamed request with one JSON object."""
    answer, _ = _through(
        _CHAT_ONLY,
        b'{"id":"1","model":"m","choices":[{"message":{"content":"hi","tool_calls":[{"id":"c","function":'
        b'{"name":"weather","arguments":"{}"}}]},"finish_reason":"tool_calls"}],'
        b'"usage":{"prompt_tokens":3,"completion_tokens":2}}',
        stream=False,
    )
    out, headers = _through(OpenAI(), answer, stream=True)
    assert oracle.assembled(out) == json.loads(answer)
    with _client(out, headers) as client, client.responses.stream(model="m", input="x") as events:
        assert events.get_final_response().output_text == "hi"
