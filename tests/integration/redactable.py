"""Requests of every dialect with a value at some place, and what is left of it in what was sent and
what was answered."""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from adapters.dialects import sse

PLACEHOLDER: Final = re.compile(r"\[[A-Z_]+_[0-9]+\]")


def said(dialect: str, stream: bool, body: bytes) -> str:
    """All text and arguments of an answer, decoded, as its client would put them together."""
    if not stream:
        return " ".join(_strings(orjson.loads(body)))
    told = [
        orjson.loads(data) for each in sse.split(body) if (data := sse.payload(each)) and data[:1] == b"{"
    ]
    pieces = [piece for each in told for piece in _deltas(dialect, each)]
    assert not any(each.get("error") for each in told)
    return "".join(pieces)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(each)


def _deltas(dialect: str, told: dict[str, Any]) -> Iterator[str]:
    if dialect == "responses":
        yield told["delta"] if str(told.get("type")).endswith(".delta") else ""
    elif dialect == "messages":
        delta = told.get("delta") or {}
        yield delta.get("text") or delta.get("partial_json") or ""
    for choice in told.get("choices") or ():
        delta = choice.get("delta") or {}
        yield choice.get("text") or delta.get("content") or ""
        for call in delta.get("tool_calls") or ():
            yield call["function"].get("arguments") or ""


TOOL: Final = {"type": "object", "properties": {"said": {"type": "string"}}}
SPOKEN: Final = ("user", "part", "system", "history", "call", "result")
ELSEWHERE: Final = (
    "name",
    "user_id",
    "metadata",
    "description",
    "unknown",
    "number",
    "key",
    "base64",
    "split",
)
DIALECTS: Final = ("chat", "messages", "responses", "completions")
PATHS: Final = {
    "chat": "chat/completions",
    "messages": "messages",
    "responses": "responses",
    "completions": "completions",
}


def request(dialect: str, place: str, value: str, *, tools: bool) -> dict[str, Any]:
    """A request of that dialect with a value at some place."""
    text = f"Please see to {value} today"
    body: dict[str, Any] = {"max_output_tokens" if dialect == "responses" else "max_tokens": 400}
    if dialect == "completions":
        body["prompt"] = [text, "Go on"] if place == "part" else text
        return body
    if tools:
        described = text if place == "description" else "Notes"
        flat = {"name": "note", "description": described}
        body["tools"] = {
            "chat": [{"type": "function", "function": {**flat, "parameters": TOOL}}],
            "messages": [{**flat, "input_schema": TOOL}],
            "responses": [{"type": "function", **flat, "parameters": TOOL}],
        }[dialect]
    turns = _turns(dialect, place, text, value)
    if place == "system":
        if dialect == "chat":
            turns.insert(0, {"role": "system", "content": text})
        else:
            body["system" if dialect == "messages" else "instructions"] = text
    body["input" if dialect == "responses" else "messages"] = turns
    extra: dict[str, Any] = {"user_id": {"user": value}, "metadata": {"metadata": {"note": value}}}
    extra |= {"unknown": {"surprise": {"deep": [text]}}}
    return body | extra.get(place, {})


def _turns(dialect: str, place: str, text: str, value: str) -> list[dict[str, Any]]:
    part = "input_text" if dialect == "responses" else "text"
    last: dict[str, Any] = {"role": "user", "content": "Repeat that"}
    match place:
        case "user":
            last["content"] = text
        case "part":
            last["content"] = [{"type": part, "text": "Hello"}, {"type": part, "text": text}]
        case "split":
            half = len(value) // 2
            last["content"] = [
                {"type": part, "text": f"mail {value[:half]}"},
                {"type": part, "text": value[half:]},
            ]
        case "base64":
            last["content"] = f"mail {base64.b64encode(text.encode()).decode()}"
        case "name":
            last["name"] = value
        case "number":
            last["content"] = [{"type": part, "text": "My SSN"}, {"type": part, "text": "is", "n": 536228741}]
        case "key":
            last["content"] = json.dumps({value: 1})
        case "history":
            reply = "output_text" if dialect == "responses" else "text"
            return [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": [{"type": reply, "text": text}]},
                last,
            ]
        case "call" | "result":
            return [{"role": "user", "content": "Hi"}, *_tool_turns(dialect, place, text), last]
    return [last]


def _tool_turns(dialect: str, place: str, text: str) -> list[dict[str, Any]]:
    arguments = json.dumps({"said": text if place == "call" else "x"})
    result = text if place == "result" else "done"
    if dialect == "messages":
        use = {"type": "tool_use", "id": "t1", "name": "note", "input": json.loads(arguments)}
        done = {"type": "tool_result", "tool_use_id": "t1", "content": result}
        return [{"role": "assistant", "content": [use]}, {"role": "user", "content": [done]}]
    if dialect == "responses":
        return [
            {"type": "function_call", "call_id": "t1", "name": "note", "arguments": arguments},
            {"type": "function_call_output", "call_id": "t1", "output": result},
        ]
    call = {"id": "t1", "type": "function", "function": {"name": "note", "arguments": arguments}}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "t1", "content": result},
    ]


def hidden(value: str, bodies: Sequence[bytes]) -> bool:
    """Whether no trace of the value is in these bodies, in whatever spelling."""
    plain = re.sub(r"\W", "", value).encode()
    escaped = json.dumps(value)[1:-1].encode()
    return all(
        value.encode() not in body and escaped not in body and plain not in re.sub(rb"\W", b"", body)
        for body in bodies
    )
