"""Extended thinking as Anthropic's API has it: signed blocks, and the rules that a request of a thinker must keep."""

from collections.abc import Mapping
from typing import Any, Final
from zlib import crc32

from gateway.sandbox.answers import pieces
from gateway.sandbox.asks import Ask
from gateway.sandbox.examples import topics

_LEAST_BUDGET: Final = 1024  # tokens


def thought(ask: Ask) -> dict[str, Any] | None:
    """The block that stands before the answer, where thinking was asked for."""
    if not ask.thinking:
        return None
    text = f"The question is about {', '.join(topics(ask.question))}. A stand-in has nothing to think over."
    return {"type": "thinking", "thinking": text, "signature": _signature(text)}


def deltas(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How a thinking block is streamed: its text, then its signature."""
    told = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
    return [*told, {"type": "signature_delta", "signature": block["signature"]}]


def complaint(body: Mapping[str, Any]) -> str | None:
    """What the API would say against the thinking of a messages body, or None where all is well."""
    forged = _forged(body)
    if forged is not None:
        return forged
    wanted = body.get("thinking") or {}
    if wanted.get("type") not in ("enabled", "adaptive"):
        return None
    budget = wanted.get("budget_tokens", _LEAST_BUDGET)
    if budget < _LEAST_BUDGET:
        return f"thinking.enabled.budget_tokens: Input should be greater than or equal to {_LEAST_BUDGET}"
    if wanted["type"] == "enabled" and body.get("max_tokens", budget + 1) <= budget:
        return "`max_tokens` must be greater than `thinking.budget_tokens`."
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        return "Thinking may not be enabled when tool_choice forces tool use."
    if body.get("temperature", 1) != 1:
        return "`temperature` may only be set to 1 when thinking is enabled."
    return _thoughtless_loop(body["messages"]) if wanted["type"] == "enabled" else None


def _forged(body: Mapping[str, Any]) -> str | None:
    """A thought that comes back changed, or that somebody else had."""
    for i, message in enumerate(body["messages"]):
        for j, block in enumerate(_blocks(message)):
            if block["type"] == "thinking" and block.get("signature") != _signature(block["thinking"]):
                return f"messages.{i}.content.{j}: Invalid `signature` in `thinking` block"
    return None


def _thoughtless_loop(messages: list[Any]) -> str | None:
    """A tool loop goes on with the thoughts it began with."""
    results = any(block["type"] == "tool_result" for block in _blocks(messages[-1]))
    if not results or len(messages) < 2:
        return None
    said = _blocks(messages[-2])
    if said and said[0]["type"] in ("thinking", "redacted_thinking"):
        return None
    return f"messages.{len(messages) - 2}.content.0.type: Expected `thinking` or `redacted_thinking`"


def _blocks(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message["content"]
    return content if isinstance(content, list) else []


def _signature(text: str) -> str:
    return f"standin{crc32(text.encode()):08x}=="
