"""Every recorded messages exchange, as a chat client gets it, told against the recording itself."""

import collections
import json
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.call import Call
from adapters.dialects import chat
from adapters.dialects.checks import InvalidRequest
from adapters.dialects.ingress import INGRESS
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
        document = parse(b'{"model":"m","messages":[]}')
        relay = backend.relay(Call("messages", document, stream, wants_usage=True), "claude", ())
        body = _body(recording)
        assert b"".join(relay.feed(piece) for piece in chunked(body, 5)) + relay.finish() == body
        assert relay.complete
        assert (relay.usage.prompt, relay.usage.generated) == booked(recording), recording["id"]
    pair("messages", f"messages ({backend.kind})", "answers", len(rows), len(rows))
    share(
        f"messages answers relayed byte for byte to messages clients ({backend.kind})", len(rows), len(rows)
    )


# What chat has no word for, and how many recorded requests ask for it.
_BEYOND = {
    "a search of the web that Anthropic runs": 8,
    "pages that Anthropic fetches": 3,
    "code that Anthropic runs": 1,
    "a document that the provider would fetch": 4,
    "a file that Anthropic keeps": 2,
    "a message that is none": 1,  # Anthropic refused it too
}
_REASONS = {
    "'web_search_20250305'": "a search of the web that Anthropic runs",
    "'web_fetch_20250910'": "pages that Anthropic fetches",
    "'code_execution_20260120'": "code that Anthropic runs",
    "expected an object": "a message that is none",
}


def test_requests_there_and_back(recorded, share, pair) -> None:
    """A messages request becomes chat and messages again with all that both can say; what chat cannot carry is
    refused by name, never dropped."""
    rows = recorded("anthropic", _PATH)
    carried, refused = 0, collections.Counter[str]()
    for recording in rows:
        body = recording["request"]["body"]
        try:
            call = INGRESS["messages"].read(parse(json.dumps(body).encode()), ())
            sent = _CHATTING.outgoing(call, "llama").body
        except (InvalidRequest, Unsupported) as error:
            refused[_reason(str(error), body)] += 1
            continue
        back = json.loads(_CLAUDE.outgoing(chat.read(parse(sent)), body["model"]).body)
        _check_back(body, back, recording["id"])
        carried += 1
    assert refused == _BEYOND
    pair("messages", "chat", "requests", carried, len(rows), by_name=refused.total())
    share("messages requests carried to chat and back", carried, len(rows))
    share(f"messages requests refused by name: {dict(refused)}", refused.total(), refused.total())


def _reason(said: str, body: dict[str, Any]) -> str:
    if "by reference" in said:
        kept = '"type": "file"' in json.dumps(body)
        return "a file that Anthropic keeps" if kept else "a document that the provider would fetch"
    return next(why for word, why in _REASONS.items() if word in said)


_OF_TOOLS = ("tool_search_tool_result", "tool_addition", "tool_removal", "compaction")


def _plain(content: Any) -> list[Any]:
    """Content without what is lost on purpose: thinking, cache breakpoints, document options, defaults, and what only
    tells of tools that are given from the start."""
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    kept: list[Any] = []
    for block in blocks:
        if block["type"] == "thinking" or block.get("text") == "" or block["type"] == "redacted_thinking":
            continue
        if block["type"] in _OF_TOOLS or str(block.get("name")).startswith("tool_search_tool_"):
            continue
        block = {k: v for k, v in block.items() if k not in ("cache_control", "citations")}
        if block["type"] == "tool_reference":
            block = {"type": "text", "text": block["tool_name"]}
        if block["type"] == "search_result":
            found = [block["title"] + "\n" + block["source"], *(part["text"] for part in block["content"])]
            block = {"type": "text", "text": "\n\n".join(found)}
        block.pop("title", None)
        if block["type"] == "tool_result":
            block["content"] = _plain(block.get("content") or [])
        if block["type"] == "document" and block["source"]["type"] == "text":
            block = {"type": "text", "text": block["source"]["data"]}
        kept.append(block)
    return kept


def _since_summary(messages: list[Any]) -> list[Any]:
    """The messages from the newest summary on, in which it is text."""
    for i, message in reversed(list(enumerate(messages))):
        kinds = [b["type"] for b in message["content"]] if isinstance(message["content"], list) else []
        if "compaction" in kinds:
            at = kinds.index("compaction")
            summary = {"type": "text", "text": message["content"][at]["content"]}
            return [{**message, "content": [summary, *message["content"][at + 1 :]]}, *messages[i + 1 :]]
    return messages


def _check_back(body: dict[str, Any], back: dict[str, Any], name: str) -> None:
    for key in ("temperature", "top_p", "stop_sequences", "metadata"):
        if body.get(key):
            assert back.get(key) == body[key], (name, key)
    if body.get("max_tokens"):
        assert back["max_tokens"] == body["max_tokens"], name
    tools = [
        {k: v for k, v in tool.items() if k in ("name", "description", "input_schema") and v}
        for tool in body.get("tools") or ()
        if not str(tool.get("type")).startswith("tool_search_tool_")
    ]
    assert [{k: v for k, v in t.items() if k != "strict"} for t in back.get("tools", [])] == tools, name
    messages = _since_summary(body["messages"])
    said = [part for message in messages for part in _moved(_plain(message["content"]))]
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
