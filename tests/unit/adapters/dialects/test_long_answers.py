"""A long JSON answer to a request that asked for a stream: all of it is told, in pieces that hold nobody up."""

import json
from typing import Any

import pytest

from adapters.anthropic import Anthropic
from adapters.call import Backend, Dialect
from adapters.dialects import pieces
from adapters.dialects.encoding import to_json
from adapters.dialects.ingress import INGRESS
from adapters.document import AT_ONCE, parse
from adapters.openai import OpenAI

TEXT = 'Weirs "hold" water back.\n\U0001f600 ' * (4 * AT_ONCE // 28)
CHAT = {
    "id": "c",
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
}
MESSAGE = {"type": "message", "content": [{"type": "text", "text": TEXT}], "stop_reason": "end_turn"}
RESPONSE = {
    "object": "response",
    "status": "completed",
    "output": [{"id": "i", "type": "message", "content": [{"type": "output_text", "text": TEXT}]}],
}
ASKED: dict[Dialect, dict[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": "x"}]},
    "messages": {"messages": [{"role": "user", "content": "x"}], "max_tokens": 9},
    "responses": {"input": "x"},
}
LONGEST = 128 * 1024  # bytes of JSON that are written at a time


def said(stream: bytes, dialect: Dialect) -> list[str]:
    """The texts of its events, in order."""
    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith(b"data: {")]
    if dialect == "chat":
        return [choice["delta"].get("content") or "" for event in events for choice in event["choices"]]
    kinds = ("content_block_delta", "response.output_text.delta")
    deltas = [event["delta"] for event in events if event["type"] in kinds]
    return [delta if isinstance(delta, str) else delta["text"] for delta in deltas]


@pytest.mark.parametrize(
    ("dialect", "backend", "answer"),
    [
        ("chat", OpenAI(), CHAT),
        ("messages", OpenAI(), CHAT),
        ("responses", OpenAI(), RESPONSE),
        ("messages", Anthropic(), MESSAGE),
        ("chat", Anthropic(), MESSAGE),
        ("responses", Anthropic(), MESSAGE),
    ],
)
def test_it_is_told_in_pieces(
    monkeypatch: pytest.MonkeyPatch, dialect: Dialect, backend: Backend, answer: dict[str, Any]
) -> None:
    written: list[int] = []
    monkeypatch.setattr(
        pieces, "to_json", lambda value: (data := to_json(value), written.append(len(data)))[0]
    )
    body = {"model": "m", "stream": True, **ASKED[dialect]}
    call = INGRESS[dialect].read(parse(json.dumps(body).encode()), ())
    relay = backend.relay(call, "m", ((b"content-type", b"application/json"),))
    for at in range(0, len(sent := json.dumps(answer).encode()), 50_000):
        assert relay.feed(sent[at : at + 50_000]) == b""
    told = said(relay.finish(), dialect)
    assert "".join(told) == TEXT
    assert relay.complete
    assert max(written, default=0) <= LONGEST
    anew = isinstance(backend, Anthropic) or dialect == "messages"
    assert (max(map(len, told)) <= LONGEST) == anew, "passed on as it came it is one event"
