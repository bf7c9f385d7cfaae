"""Every recorded chat request as Anthropic gets it: carried with every word, or refused by the field's name."""

import collections
import json
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.dialects import chat
from adapters.document import parse
from adapters.errors import Unsupported

pytestmark = pytest.mark.recordings

_CLAUDE = Anthropic(api_key="sk-ant-ours")
# What messages have no word for, and how many recorded requests ask for it.
_BEYOND = {
    "n": 8,
    "input_audio": 2,
    "audio": 1,
    "modalities": 1,
    "web_search_options": 2,
    "moderation": 2,
    "store": 2,
    "service_tier": 1,
    "response_format": 4,  # a JSON object without a schema, beside tools
    "file": 2,  # kept by another provider
}


def test_requests_are_carried_to_messages_or_refused_by_name(recorded, share, pair) -> None:
    rows = [r for r in recorded("openai", "/v1/chat/completions") if r["response"]["status"] != 400]
    refused: collections.Counter[str] = collections.Counter()
    carried = 0
    for recording in rows:
        body = recording["request"]["body"]
        call = chat.read(parse(json.dumps(body).encode()))
        try:
            sent = json.loads(_CLAUDE.outgoing(call, "claude-sonnet-4-6").body)
        except Unsupported as error:
            refused[_named(error)] += 1
            continue
        _check(body, sent, recording["id"])
        carried += 1
    assert refused == _BEYOND
    pair("chat", "messages", "requests", carried, len(rows), by_name=refused.total())


def _named(error: Unsupported) -> str:
    if "input_audio" in str(error):
        return "input_audio"
    return "file" if error.field.startswith("messages") else error.field


def _check(body: dict[str, Any], sent: dict[str, Any], name: str) -> None:
    """Told by the recorded request alone: its words in order, its calls, results, pictures, tools and limits."""
    ruled, said = (
        _words(body["messages"], roles) for roles in (("system", "developer"), ("user", "assistant"))
    )
    got = [text for message in sent["messages"] for text in _texts(message["content"])]
    if any(turn["role"] not in ("system", "developer") for turn in body["messages"]):
        assert _texts(sent.get("system") or []) == ruled, name
        assert sorted(got) == sorted(said), name
    else:  # somebody has to speak
        assert _texts(sent.get("system") or []) + got == ruled, name
    calls = [call for turn in body["messages"] for call in turn.get("tool_calls") or ()]
    blocks = [block for message in sent["messages"] for block in message["content"]]
    assert [(b["id"], b["name"], b["input"]) for b in blocks if b["type"] == "tool_use"] == [
        (c["id"], c["function"]["name"], json.loads(c["function"]["arguments"])) for c in calls
    ], name
    results = [turn["tool_call_id"] for turn in body["messages"] if turn["role"] == "tool"]
    assert [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"] == results, name
    pictures = json.dumps(body["messages"]).count('"type": "image_url"')
    assert sum(b["type"] == "image" for b in blocks) == pictures, name
    tools = [tool["function"]["name"] for tool in body.get("tools") or ()]
    tools += [function["name"] for function in body.get("functions") or ()]
    assert [tool["name"] for tool in sent.get("tools") or ()] in (tools, ["answer_in_json"]), name
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    assert limit in (None, sent["max_tokens"]), name
    stop = body.get("stop")
    assert sent.get("stop_sequences") == ([stop] if isinstance(stop, str) else stop or None), name
    for key in ("temperature", "top_p", "stream"):
        assert (body.get(key) or None) == (sent.get(key) or None), (name, key)


def _words(turns: list[dict[str, Any]], roles: tuple[str, ...]) -> list[str]:
    return [text for turn in turns if turn["role"] in roles for text in _texts(turn.get("content") or [])]


def _texts(content: Any) -> list[str]:
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [part["text"] for part in parts if part["type"] == "text" and part["text"]]
