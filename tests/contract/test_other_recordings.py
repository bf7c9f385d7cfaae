"""Every recorded completions, embeddings and count_tokens exchange, and the messages requests, in their own dialect."""

import collections
import json
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.call import Call, Dialect
from adapters.dialects.checks import InvalidRequest
from adapters.dialects.ingress import INGRESS
from adapters.document import parse
from adapters.errors import StreamCut, Unsupported
from adapters.openai import OpenAI
from adapters.vllm import VLLM

pytestmark = pytest.mark.recordings

_OPENAI, _VLLM, _CLAUDE = OpenAI(api_key="sk-ours"), VLLM(), Anthropic(api_key="sk-ant-ours")


def _answer(recording: dict[str, Any]) -> bytes:
    response = recording["response"]
    return (response["sse"] if "sse" in response else json.dumps(response["body"])).encode()


def _call(recording: dict[str, Any], dialect: Dialect) -> Call:
    return INGRESS[dialect].read(parse(json.dumps(recording["request"]["body"]).encode()), ())


def _good(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["response"]["status"] == 200]


def _usage(body: bytes) -> dict[str, Any] | None:
    """The usage in an answer, by its text alone."""
    text = body.decode()
    lines = [line[5:] for line in text.splitlines() if line.startswith("data:")] or [text]
    found = [json.loads(line).get("usage") for line in lines if line.strip() != "[DONE]"]
    return next((usage for usage in reversed(found) if usage), None)


@pytest.mark.parametrize("backend", [_OPENAI, _VLLM], ids=["openai", "vllm"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_continuations_reach_the_client_unchanged(recorded, share, pair, chunked, backend, seed) -> None:
    rows = _good(recorded("openai", "/v1/completions"))
    for recording in rows:
        call, body = _call(recording, "completions"), _answer(recording)
        relay = backend.relay(call, "m", ())
        out = b"".join(relay.feed(piece) for piece in chunked(body, seed)) + relay.finish()
        assert out == body, recording["id"]
        assert relay.complete, recording["id"]
        assert relay.error is None, recording["id"]
        assert relay.finish_reason in ("stop", "length"), recording["id"]
        usage = _usage(body)
        assert (usage is None) == (relay.usage.source == "unknown"), recording["id"]
        if usage is not None:
            booked = (relay.usage.prompt, relay.usage.generated)
            assert booked == (usage["prompt_tokens"], usage.get("completion_tokens", 0)), recording["id"]
        if call.stream:
            assert relay.content_events > 0, recording["id"]
    assert len(rows) == 70
    if seed == 1:
        pair("completions", f"completions ({backend.kind})", "answers", len(rows), len(rows))
        share(f"completions answers relayed byte for byte ({backend.kind})", len(rows), len(rows))


def test_a_continuation_cut_anywhere_is_never_a_clean_stop(recorded) -> None:
    streams = [row for row in _good(recorded("openai", "/v1/completions")) if "sse" in row["response"]]
    assert len(streams) == 17
    for recording in streams:
        body = _answer(recording)
        told = body.rindex(b'"finish_reason":"')
        whole = body.index(b"\n\n", body.index(b'"finish_reason":"'))
        for at in range(0, told, max(1, told // 40)):
            relay = _OPENAI.relay(_call(recording, "completions"), "m", ())
            out = relay.feed(body[:at])
            assert b"[DONE]" not in out
            if at < whole:
                with pytest.raises(StreamCut):
                    relay.finish()


@pytest.mark.parametrize("backend", [_OPENAI, _VLLM], ids=["openai", "vllm"])
def test_embeddings_reach_the_client_unchanged(recorded, share, pair, chunked, backend) -> None:
    rows = _good(recorded("openai", "/v1/embeddings"))
    forms = collections.Counter(type(r["response"]["body"]["data"][0]["embedding"]) for r in rows)
    assert forms == {str: 32, list: 11}  # base64, floats
    for recording in rows:
        body = _answer(recording)
        relay = backend.relay(_call(recording, "embeddings"), "m", ())
        assert b"".join(relay.feed(piece) for piece in chunked(body, 1)) == b""
        assert relay.finish() == body, recording["id"]
        assert relay.complete
        usage = _usage(body)
        assert usage is not None
        assert (relay.usage.prompt, relay.usage.generated) == (usage["prompt_tokens"], 0), recording["id"]
    assert len(rows) == 43
    pair("embeddings", f"embeddings ({backend.kind})", "answers", len(rows), len(rows))
    share("embeddings answers relayed byte for byte and booked as reported", len(rows), len(rows))


def test_counts_reach_the_client_unchanged_and_cost_nothing(recorded, share, pair) -> None:
    rows = _good(recorded("anthropic", "/v1/messages/count_tokens"))
    for recording in rows:
        body = _answer(recording)
        relay = _CLAUDE.relay(_call(recording, "count_tokens"), "m", ())
        assert relay.feed(body) + relay.finish() == body
        assert (relay.usage.prompt, relay.usage.generated, relay.usage.source) == (0, 0, "reported")
    assert len(rows) == 7
    pair("count_tokens", "count_tokens (anthropic)", "answers", len(rows), len(rows))
    share("count_tokens answers relayed byte for byte", len(rows), len(rows))


CASES: list[tuple[str, str, Dialect, Any, int]] = [
    ("openai", "/v1/completions", "completions", _OPENAI, 73),
    ("openai", "/v1/embeddings", "embeddings", _OPENAI, 47),
    ("anthropic", "/v1/messages", "messages", _CLAUDE, 419),
    ("anthropic", "/v1/messages/count_tokens", "count_tokens", _CLAUDE, 8),
]


@pytest.mark.parametrize(
    ("provider", "path", "dialect", "backend", "total"), CASES, ids=[c[2] for c in CASES]
)
def test_requests_go_on_with_nothing_changed_but_the_model(
    recorded, share, pair, provider, path, dialect, backend, total
) -> None:
    """Told by splicing the model's name into the recorded text by hand; a stream is asked for its usage."""
    rows = recorded(provider, path)
    passed = refused = 0
    for recording in rows:
        asked = recording["request"]["body"]
        text = json.dumps(asked)
        try:
            call = _call(recording, dialect)
        except InvalidRequest:  # Weir says what the provider said
            assert recording["response"]["status"] == 400, recording["id"]
            refused += 1
            continue
        sent = backend.outgoing(call, "upstream")
        assert sent.path == path.encode()
        wanted = text.replace(json.dumps(asked["model"]), '"upstream"', 1)
        if dialect == "completions" and call.stream and not call.wants_usage:
            wanted = wanted[:-1] + ',"stream_options":{"include_usage": true}}'
        assert sent.body.decode() == wanted, recording["id"]
        passed += 1
    assert passed + refused == len(rows) == total
    native = f"{dialect} ({provider})"
    pair(dialect, native, "requests", passed, total, by_name=refused)
    share(f"{dialect} requests passed on with nothing changed but the model", passed, total - refused)


def test_messages_go_to_an_engine_as_they_are_or_as_chat_or_not_at_all(recorded, share, pair) -> None:
    """What vLLM would silently leave undone goes as chat, and what an engine cannot is refused by name."""
    rows = [row for row in recorded("anthropic", "/v1/messages") if row["response"]["status"] != 400]
    passed, as_chat, refused = 0, 0, collections.Counter[str]()
    for recording in rows:
        asked = recording["request"]["body"]
        try:
            sent = _VLLM.outgoing(_call(recording, "messages"), "m")
        except Unsupported as error:
            refused[next(why for word, why in _BEYOND_AN_ENGINE.items() if word in str(error))] += 1
            continue
        if sent.path.endswith(b"/messages"):
            assert json.loads(sent.body) == {**asked, "model": "m"}
            passed += 1
        else:
            tools = [tool["name"] for tool in asked.get("tools", ()) if tool.get("type") in (None, "custom")]
            given = [tool["function"]["name"] for tool in json.loads(sent.body).get("tools", ())]
            assert given == tools, recording["id"]
            as_chat += 1
    assert refused == {
        "a document that is more than text": 22,
        "a tool that Anthropic runs": 12,
        "an image that Anthropic keeps": 2,
    }
    pair("messages", "messages (vllm)", "requests", passed + as_chat, len(rows), by_name=refused.total())
    share("messages requests fit for an engine as they are", passed, len(rows))
    share("messages requests that an engine is given as chat", as_chat, len(rows))


_BEYOND_AN_ENGINE = {
    "no documents but text": "a document that is more than text",
    "tools of the type": "a tool that Anthropic runs",
    "by reference": "an image that Anthropic keeps",
}
