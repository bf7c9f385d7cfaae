"""A responses answer in canonical form, whole or as far as its stream has come: for who judges it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.chat import Answer, Aside, Json, Part, Text, Thinking, ToolCall
from adapters.dialects.responses.answer import read_finish


def read_answer(response: Json) -> Answer:
    """A whole response in canonical form; what only this dialect knows is an aside."""
    parts: list[Part] = []
    refusal = ""
    for item in response.get("output") or ():
        parts.extend(_parts(item))
        refusal += "".join(part["refusal"] for part in item.get("content") or () if part["type"] == "refusal")
    return Answer(
        response.get("id") or "",
        response.get("model") or "",
        tuple(parts),
        read_finish(response),
        refusal=refusal or None,
    )


def read_stream(events: Sequence[Mapping[str, Any]]) -> Answer:
    """What the events of a stream have told so far: all of it behind its last, before that its words and calls."""
    said: dict[str, str] = {}
    items: list[Part] = []
    for event in events:
        kind, response = event.get("type", ""), event.get("response")
        if kind in {"response.completed", "response.incomplete"} and isinstance(response, dict):
            return read_answer(response)
        if kind in {"response.output_text.delta", "response.refusal.delta"}:
            said[kind] = said.get(kind, "") + event["delta"]
        elif kind == "response.output_item.added" and event["item"]["type"] not in {"message", "reasoning"}:
            items.append(Aside(event["item"]))
    text = said.get("response.output_text.delta")
    parts = (*((Text(text),) if text else ()), *items)
    return Answer("", "", parts, None, refusal=said.get("response.refusal.delta"))


def _parts(item: Json) -> Iterator[Part]:
    match item["type"]:
        case "message":
            for part in item.get("content") or ():
                if part["type"] == "output_text":
                    yield Text(part["text"])
        case "function_call":
            yield ToolCall(item.get("call_id") or "", item["name"], item["arguments"])
        case "reasoning":
            yield Thinking("")
        case _:
            yield Aside(item)
