"""A chat client before Anthropic and a Messages client before OpenAI: what each is asked, and what comes back."""

import json
from typing import Any

from adapters.anthropic import Anthropic
from adapters.call import Call, Relay
from adapters.dialects import chat
from adapters.document import parse
from adapters.openai import OpenAI

CLAUDE = Anthropic(api_key="sk-ant-ours")
ADAPTIVE, BUDGETED, THOUGHTLESS = "claude-opus-4-7", "claude-sonnet-4-5", "claude-3-5-haiku-20241022"
USER = {"role": "user", "content": "hi"}


def chat_call(**body: Any) -> Call:
    return chat.read(parse(json.dumps({"model": "auto", "messages": [USER], **body}).encode()))


def messages_call(**body: Any) -> Call:
    body = {"model": "auto", "max_tokens": 100, "messages": [USER], **body}
    return Call("messages", parse(json.dumps(body).encode()), body.get("stream") is True, wants_usage=True)


def to_claude(model: str = BUDGETED, **body: Any) -> dict[str, Any]:
    return json.loads(CLAUDE.outgoing(chat_call(**body), model).body)


def to_openai(**body: Any) -> dict[str, Any]:
    return json.loads(OpenAI().outgoing(messages_call(**body), "gpt").body)


def events(*events: dict[str, Any]) -> bytes:
    start = {
        "type": "message_start",
        "message": {"id": "msg_1", "model": "claude", "usage": {"input_tokens": 7}},
    }
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in (start, *events))


def stopping(reason: str, **usage: int) -> tuple[dict[str, Any], dict[str, Any]]:
    delta = {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage}
    return delta, {"type": "message_stop"}


def opened(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def added(index: int, kind: str, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **delta}}


def closed(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def chunks_of(stream: bytes, call: Call | None = None) -> tuple[list[dict[str, Any]], bytes, Relay]:
    """The chunks a chat client gets for an Anthropic stream."""
    relay = CLAUDE.relay(call or chat_call(stream=True, stream_options={"include_usage": True}), BUDGETED, ())
    out = relay.feed(stream)
    data = [e.removeprefix("data: ") for e in out.decode().split("\n\n") if e.startswith("data: {")]
    return [json.loads(datum) for datum in data], out, relay


def claude_answer(answer: dict[str, Any], call: Call | None = None, model: str = BUDGETED) -> dict[str, Any]:
    relay = CLAUDE.relay(call or chat_call(), model, ())
    relay.feed(
        json.dumps({"id": "msg_1", "model": "claude", "usage": {"output_tokens": 1}, **answer}).encode()
    )
    return json.loads(relay.finish())


def tool_calls_in(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [call for c in chunks for choice in c["choices"] for call in choice["delta"].get("tool_calls", [])]
