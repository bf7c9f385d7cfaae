"""Every recorded chat exchange, relayed to a chat client: the bytes, the usage, the finish, the errors."""

import json
import re
from typing import Any

import pytest

from adapters.call import Headers
from adapters.dialects import chat
from adapters.document import parse
from adapters.openai import OpenAI
from adapters.vllm import VLLM

pytestmark = pytest.mark.recordings

_PATH = "/v1/chat/completions"


def _headers(recording: dict[str, Any]) -> Headers:
    return tuple((k.encode(), v.encode()) for k, v in recording["response"]["headers"].items())


def _body(recording: dict[str, Any]) -> bytes:
    response = recording["response"]
    return (response["sse"] if "sse" in response else json.dumps(response["body"])).encode()


def _chunks(recording: dict[str, Any]) -> list[dict[str, Any]]:
    lines = recording["response"]["sse"].splitlines()
    data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
    return [json.loads(datum) for datum in data if datum != "[DONE]"]


def _reported(recording: dict[str, Any]) -> dict[str, Any] | None:
    """The usage object in the recording, wherever it stands."""
    if "body" in recording["response"]:
        return recording["response"]["body"].get("usage")
    return next((chunk["usage"] for chunk in _chunks(recording) if chunk.get("usage")), None)


def _without_usage(body: str) -> str:
    """What is left of a stream for a client that did not ask for usage, told by lines and a pattern of its own."""
    events = body.split("\n\n")
    events = [event for event in events if not re.search(r'"choices":\s*\[\],.*"usage":\s*\{', event)]
    return "\n\n".join(re.sub(r',\s*"usage":\s*null', "", event) for event in events)


@pytest.mark.parametrize("backend", [OpenAI(api_key="sk-ours"), VLLM()], ids=["openai", "vllm"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_answers_reach_the_client_unchanged(recorded, share, pair, chunked, backend, seed) -> None:
    answers = [r for r in recorded("openai", _PATH) if r["response"]["status"] == 200]
    unchanged = less_usage = 0
    for recording in answers:
        call = chat.read(parse(json.dumps(recording["request"]["body"]).encode()))
        relay = backend.relay(call, "gpt", _headers(recording))
        body = _body(recording)
        out = b"".join(relay.feed(piece) for piece in chunked(body, seed)) + relay.finish()
        assert relay.complete, recording["id"]
        assert relay.error is None, recording["id"]
        assert relay.finish_reason in ("stop", "length", "tool_calls", "function_call", "content_filter")
        if call.stream and not call.wants_usage:
            assert out.decode() == _without_usage(body.decode()), recording["id"]
            less_usage += out != body
        else:
            assert out == body, recording["id"]
        unchanged += out == body
        _check_usage(relay.usage, _reported(recording), recording["id"])
    assert len(answers) == 588
    assert unchanged + less_usage == len(answers)
    if seed == 1:
        pair("chat", f"chat ({backend.kind})", "answers", unchanged + less_usage, len(answers))
        share(f"chat answers relayed byte for byte ({backend.kind})", unchanged, len(answers))
        share(f"chat streams lost only the usage nobody asked for ({backend.kind})", less_usage, less_usage)


def _check_usage(usage: Any, reported: dict[str, Any] | None, name: str) -> None:
    if reported is None:
        assert usage.source == "unknown", name
        return
    read = reported.get("prompt_tokens_details") or {}
    wrote = reported.get("completion_tokens_details") or {}
    assert usage.source == "reported", name
    assert usage.prompt == reported["prompt_tokens"], name
    assert usage.generated == reported["completion_tokens"], name
    assert usage.cache_read == read.get("cached_tokens", 0), name
    assert usage.audio_in == (read.get("audio_tokens") or 0), name
    assert usage.reasoning == wrote.get("reasoning_tokens", 0), name
    assert usage.audio_out == (wrote.get("audio_tokens") or 0), name


@pytest.mark.parametrize("backend", [OpenAI(), VLLM()], ids=["openai", "vllm"])
def test_requests_reach_the_provider_as_they_came(recorded, share, pair, backend) -> None:
    """All but the model's name, and the usage Weir asks for where the client did not."""
    rows = recorded("openai", _PATH)
    same, refused = 0, []
    for recording in rows:
        body = recording["request"]["body"]
        try:
            call = chat.read(parse(json.dumps(body, indent=1).encode()))
        except chat.InvalidRequest:
            refused.append(recording["response"]["status"])
            continue
        sent = json.loads(backend.outgoing(call, "their-name").body)
        expected = {**body, "model": "their-name"}
        if call.stream:
            expected["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
        assert sent == expected, recording["id"]
        same += 1
    pair("chat", f"chat ({backend.kind})", "requests", same, len(rows), by_name=len(refused))
    share(
        f"chat requests sent on as they came, but for the client's faults ({backend.kind})", same, len(rows)
    )
    assert same + len(refused) == len(rows)
    assert refused == [400, 400]  # the provider refused these too


def test_errors(recorded, share) -> None:
    errors = [r for r in recorded("openai", _PATH) if r["response"]["status"] != 200]
    for recording in errors:
        status, body = recording["response"]["status"], _body(recording)
        refusal = OpenAI(api_key="sk-fake-key").refusal(status, _headers(recording), body)
        if status == 401:
            assert (refusal.kind, refusal.status) == ("ours", 502)
            assert b"key provided" not in refusal.body
            assert b"sk-fake" not in refusal.body
        else:
            assert refusal.kind == ("gone" if status == 404 else "client"), recording["id"]
            assert (refusal.status, refusal.body) == (status, body), recording["id"]
    share("chat errors judged", len(errors), len(errors))
    assert len(errors) == 15
