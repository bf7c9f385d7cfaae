"""Every recorded messages exchange, as a chat client gets it, told against the recording itself."""

import json
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.call import Call
from adapters.dialects import chat
from adapters.document import parse
from adapters.errors import Unsupported
from adapters.openai import OpenAI
from adapters.vllm import VLLM
from tests.contract.messages_oracle import assembled, booked, check, check_message, message_of, read_whole

pytestmark = pytest.mark.recordings

_PATH = "/v1/messages"


class _ChattingEngine(OpenAI):
    """An engine that speaks chat alone, so that messages must be translated."""

    engine = True


_CHATTING = _ChattingEngine()
_CLAUDE = Anthropic(api_key="sk-ant-ours", clock=lambda: 1_700_000_000.9)


def _body(recording: dict[str, Any]) -> bytes:
    response = recording["response"]
    return (response["sse"] if "sse" in response else json.dumps(response["body"])).encode()


def _chat_call(*, stream: bool, wants_usage: bool = True) -> Call:
    body: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": wants_usage}}
    return chat.read(parse(json.dumps(body).encode()))


def test_whole_answers_arrive_as_chat_answers(recorded, share, pair) -> None:
    rows = [r for r in recorded("anthropic", _PATH) if r["response"]["status"] == 200]
    rows = [r for r in rows if "body" in r["response"]]
    for recording in rows:
        relay = _CLAUDE.relay(_chat_call(stream=False), "claude-sonnet-4-5", ())
        assert relay.feed(_body(recording)) == b""
        tokens = check(recording, read_whole(relay.finish()))
        assert relay.complete
        assert relay.usage.source == "reported"
        assert (relay.usage.prompt, relay.usage.generated) == tokens, recording["id"]
    pair("chat", "messages", "answers", len(rows), len(rows))
    share("messages answers arrive as the right chat answer", len(rows), len(rows))
    assert len(rows) == 332


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_streams_arrive_as_chat_streams(recorded, share, pair, chunked, seed) -> None:
    rows = [r for r in recorded("anthropic", _PATH) if "sse" in r["response"]]
    for recording in rows:
        relay = _CLAUDE.relay(_chat_call(stream=True), "claude-sonnet-4-5", ())
        out = b"".join(relay.feed(piece) for piece in chunked(_body(recording), seed)) + relay.finish()
        tokens = check(recording, assembled(out))
        assert relay.complete
        assert relay.usage.source == "reported"
        assert (relay.usage.prompt, relay.usage.generated) == tokens, recording["id"]
    if seed == 1:
        pair("chat", "messages", "answers", len(rows), len(rows))
        share("messages streams arrive as the right chat stream", len(rows), len(rows))
    assert len(rows) == 83


def test_the_usage_chunk_is_only_for_those_who_asked(recorded) -> None:
    recording = next(r for r in recorded("anthropic", _PATH) if "sse" in r["response"])
    relay = _CLAUDE.relay(_chat_call(stream=True, wants_usage=False), "claude", ())
    out = relay.feed(_body(recording)) + relay.finish()
    assert b'"usage"' not in out
    assert relay.usage.source == "reported"


@pytest.mark.parametrize("backend", [_CLAUDE, VLLM()], ids=["anthropic", "vllm"])
def test_messages_clients_get_the_bytes(recorded, share, pair, chunked, backend) -> None:
    rows = [r for r in recorded("anthropic", _PATH) if r["response"]["status"] == 200]
    for recording in rows:
        stream = "sse" in recording["response"]
        document = parse(json.dumps(recording["request"]["body"]).encode())
        relay = backend.relay(Call("messages", document, stream, wants_usage=True), "claude", ())
        body = _body(recording)
        assert b"".join(relay.feed(piece) for piece in chunked(body, 5)) + relay.finish() == body
        assert relay.complete
        assert (relay.usage.prompt, relay.usage.generated) == booked(recording), recording["id"]
    pair("messages", f"messages ({backend.kind})", "answers", len(rows), len(rows))
    share(
        f"messages answers relayed byte for byte to messages clients ({backend.kind})", len(rows), len(rows)
    )


def test_requests_there_and_back(recorded, share, pair) -> None:
    """A messages request becomes chat and messages again with all that both can say; what chat cannot carry is
    refused by name, never dropped."""
    rows = recorded("anthropic", _PATH)
    carried, refused = 0, 0
    for recording in rows:
        body = recording["request"]["body"]
        document = parse(json.dumps(body).encode())
        call = Call("messages", document, body.get("stream") is True, wants_usage=True)
        if _beyond_chat(body):
            with pytest.raises(Unsupported):
                _CHATTING.outgoing(call, "llama")
            refused += 1
            continue
        sent = _CHATTING.outgoing(call, "llama").body
        back = json.loads(_CLAUDE.outgoing(chat.read(parse(sent)), body["model"]).body)
        _check_back(body, back, recording["id"])
        carried += 1
    pair("messages", "chat", "requests", carried, len(rows), by_name=refused)
    share("messages requests carried to chat and back", carried, len(rows))
    share("messages requests refused by name, since chat cannot carry them", refused, refused)
    assert carried + refused == len(rows)
    assert carried > 330


def _beyond_chat(body: dict[str, Any]) -> bool:
    """Whether the request asks for what chat has no word for."""
    text = json.dumps(body)
    provider_tools = ("tool_search_tool_", "web_search_20", "web_fetch_20", "code_execution_20")
    blocks = (
        '"search_result"',
        '"tool_reference"',
        '"tool_addition"',
        '"type": "document", "source": {"type": "url"',
        '"type": "file"',
    )
    by_url = any(
        block["type"] == "document" and block["source"]["type"] in ("url", "file")
        for message in body["messages"]
        for block in (message["content"] if isinstance(message, dict) else ())
        if isinstance(block, dict)
    )
    malformed = any(isinstance(message, str) for message in body["messages"])
    return (
        by_url
        or malformed
        or any(word in text for word in (*provider_tools, *blocks, '"context_management"'))
    )


def _plain(content: Any) -> list[Any]:
    """Content without what is lost on purpose: thinking, cache breakpoints, document options, defaults."""
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    kept: list[Any] = []
    for block in blocks:
        if block["type"] == "thinking" or block.get("text") == "" or block["type"] == "redacted_thinking":
            continue
        block = {k: v for k, v in block.items() if k not in ("cache_control", "citations", "title")}
        if block["type"] == "tool_result":
            block["content"] = _plain(block.get("content") or [])
        if block["type"] == "document" and block["source"]["type"] == "text":
            block = {"type": "text", "text": block["source"]["data"]}
        kept.append(block)
    return kept


def _check_back(body: dict[str, Any], back: dict[str, Any], name: str) -> None:
    for key in ("temperature", "top_p", "stop_sequences", "metadata"):
        if body.get(key):
            assert back.get(key) == body[key], (name, key)
    if body.get("max_tokens"):
        assert back["max_tokens"] == body["max_tokens"], name
    tools = [
        {k: v for k, v in tool.items() if k in ("name", "description", "input_schema") and v}
        for tool in body.get("tools") or ()
    ]
    assert [{k: v for k, v in t.items() if k != "strict"} for t in back.get("tools", [])] == tools, name
    said = [part for message in body["messages"] for part in _moved(_plain(message["content"]))]
    if all(message["role"] != "system" for message in body["messages"]):
        got = [part for message in back["messages"] for part in _moved(_plain(message["content"]))]
        assert got == said, name


def _moved(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Results first, each as one text, then what they held beside text, then the rest: as chat must have it."""
    results, media, rest = [], [], []
    for part in parts:
        if part["type"] != "tool_result":
            rest.append(part)
            continue
        texts = [p["text"] for p in part["content"] if p["type"] == "text"]
        media += [p for p in part["content"] if p["type"] != "text"]
        failed = "Error: " if part.pop("is_error", False) else ""
        results.append({**part, "content": failed + "\n".join(texts)})
    return results + media + rest


def test_errors(recorded, share) -> None:
    rows = [r for r in recorded("anthropic", _PATH) if r["response"]["status"] != 200]
    for recording in rows:
        status, words = recording["response"]["status"], recording["response"]["body"]["error"]["message"]
        refusal = _CLAUDE.refusal(status, (), _body(recording))
        told = json.loads(refusal.body)["error"]
        if status == 401:
            assert (refusal.kind, refusal.status) == ("ours", 502)
            assert words not in told["message"]
        else:
            assert refusal.kind == ("gone" if status == 404 else "client")
            assert (refusal.status, told["message"]) == (status, words)
    share("messages errors judged", len(rows), len(rows))
    assert len(rows) == 4


def test_chat_recordings_reach_messages_clients(recorded, share, pair, chunked) -> None:
    """The other way: recorded chat answers of one choice, as a messages client gets them."""
    rows = [r for r in recorded("openai", "/v1/chat/completions") if r["response"]["status"] == 200]
    rows = [r for r in rows if (r["request"]["body"].get("n") or 1) == 1]
    passed = 0
    for recording in rows:
        stream = "sse" in recording["response"]
        document = parse(b'{"model":"m","messages":[]}')
        relay = OpenAI().relay(Call("messages", document, stream, wants_usage=True), "gpt", ())
        out = b"".join(relay.feed(piece) for piece in chunked(_body(recording), 3)) + relay.finish()
        assert relay.complete, recording["id"]
        if stream:
            message = message_of({"response": {"sse": out.decode()}})
            assert out.count(b"event: content_block_start") == out.count(b"event: content_block_stop")
        else:
            message = json.loads(out)
        check_message(recording, message)
        passed += 1
    pair("messages", "chat", "answers", passed, len(rows))
    share("chat answers arrive as the right messages answer", passed, len(rows))
