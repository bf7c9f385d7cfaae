"""OpenAI's responses as OpenAI and vLLM write them: items, and a numbered event for everything that happens."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import orjson

from gateway.sandbox.answers import Answer, pieces
from gateway.sandbox.asks import Ask, Tool
from gateway.sandbox.engine import Job

_ECHOED: Mapping[
    str, Any
] = {  # members of the answer that repeat the request, and what they are where it says nothing
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}


def from_responses(body: Mapping[str, Any], before: Sequence[tuple[str, str]] = (), spoilt: str = "") -> Ask:
    """Read a responses body; `before` are the turns of the response it goes on from. Raises KeyError, TypeError,
    AttributeError where it is none."""
    turns = [("system", body["instructions"])] if body.get("instructions") else []
    turns += before
    given = body["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    turns += [_turn(item) for item in items]
    choice = body.get("tool_choice") or "auto"
    form = (body.get("text") or {}).get("format") or {}
    return Ask(
        model=str(body["model"]),
        turns=tuple(turns),
        tools=tuple(
            Tool(tool["name"], tool.get("description") or "", tool.get("parameters") or {})
            for tool in body.get("tools") or ()
            if tool["type"] == "function"
        ),
        tool_choice=choice if isinstance(choice, str) else choice.get("name", "auto"),
        parallel=body.get("parallel_tool_calls") is not False,
        schema={"json_schema": form.get("schema"), "json_object": {"type": "object"}}.get(
            form.get("type", "")
        ),
        max_tokens=body.get("max_output_tokens"),
        stream=body.get("stream") is True,
        spoilt=spoilt,
    )


def _turn(item: Mapping[str, Any]) -> tuple[str, str]:
    match item.get("type", "message"):
        case "function_call_output":
            return "tool", str(item["output"])
        case "function_call":
            return "assistant", f"{item['name']} {item['arguments']}"
        case "message":
            content = item["content"]
            if isinstance(content, str):
                return str(item["role"]), content
            return str(item["role"]), " ".join(part.get("text") or f"[{part['type']}]" for part in content)
        case other:
            return "assistant", f"[{other}]"


@dataclass(frozen=True, slots=True)
class ResponsesFrame:
    """One answer. `also` are the provider's own members of a response."""

    id: str
    created: int
    body: Mapping[str, Any] = field(repr=False)
    answer: Answer
    also: Mapping[str, Any] = field(default_factory=dict)

    def whole(self, usage: Mapping[str, Any]) -> dict[str, Any]:
        """The response, complete."""
        status = "incomplete" if self.answer.cut_short else "completed"
        output = [item for item, _ in self._items()]
        return self._response(status, output) | {"usage": dict(usage)}

    def opening(self) -> list[bytes]:
        """The first events."""
        response = self._response("in_progress", []) | {"usage": None}
        return [
            _event(number, {"type": f"response.{kind}", "response": response})
            for number, kind in enumerate(("created", "in_progress"))
        ]

    def items(self) -> list[bytes]:
        """The events of the items, a delta for each token."""
        events = (event for index, pair in enumerate(self._items()) for event in _told(index, *pair))
        return [_event(number, event) for number, event in enumerate(events, 2)]

    def closing(self, usage: Mapping[str, Any]) -> bytes:
        """The last event."""
        response = self.whole(usage)
        number = 2 + len(self.items())
        return _event(number, {"type": f"response.{response['status']}", "response": response})

    def _items(self) -> list[tuple[dict[str, Any], Sequence[str]]]:
        """Each item, complete, and the pieces that its text or arguments come in."""
        if self.answer.calls:
            return [
                (
                    {
                        "id": self._id("fc", number),
                        "type": "function_call",
                        "status": "completed",
                        "arguments": call.arguments,
                        "call_id": self._id("call", number),
                        "name": call.name,
                    },
                    pieces(call.arguments),
                )
                for number, call in enumerate(self.answer.calls)
            ]
        part = {"type": "output_text", "annotations": [], "logprobs": [], "text": self.answer.text}
        status = "incomplete" if self.answer.cut_short else "completed"
        message = {"id": self._id("msg", 0), "type": "message", "status": status, "content": [part]}
        return [(message | {"role": "assistant"}, self.answer.pieces)]

    def _response(self, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
        echoed = {key: self.body.get(key, usual) for key, usual in _ECHOED.items()}
        cut = {"reason": "max_output_tokens"} if status == "incomplete" else None
        head = {"id": self.id, "object": "response", "created_at": self.created, "status": status}
        head |= {"error": None, "incomplete_details": cut, "model": self.body["model"], "output": output}
        return head | echoed | dict(self.also)

    def _id(self, kind: str, number: int) -> str:
        return f"{kind}_{crc32(f'{self.id}/{kind}/{number}'.encode()):024x}"


@dataclass(frozen=True, slots=True)
class Stepped:
    """An answer that an engine makes token by token."""

    frame: ResponsesFrame
    prompt_tokens: int

    def whole(self, job: Job) -> dict[str, Any]:
        """The unstreamed answer."""
        return self.frame.whole(usage(self.prompt_tokens, job.cached, self.frame.answer))

    async def events(self, job: Job) -> AsyncIterator[bytes]:
        """The stream, a delta for each token."""
        for event in self.frame.opening():
            yield event
        waiting = iter(self.frame.items())
        async for _ in job.tokens():
            for event in waiting:
                yield event
                if b".delta" in event:
                    break
        for event in waiting:
            yield event
        yield self.frame.closing(usage(self.prompt_tokens, job.cached, self.frame.answer))


def usage(prompt: int, cached: int, answer: Answer, reasoning: int = 0) -> dict[str, Any]:
    """The usage of a response; `reasoning` comes on top of what was said."""
    made = answer.tokens + reasoning
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": prompt + made,
    }


def failure(message: str, code: str) -> bytes:
    """What stands in a stream that breaks."""
    event = {"type": "error", "code": code, "message": message, "param": None, "sequence_number": 0}
    return b"event: error\ndata: " + orjson.dumps(event) + b"\n\n"


def _told(index: int, item: dict[str, Any], deltas: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One item's events."""
    begun = {**item, "status": "in_progress"}
    where = {"item_id": item["id"], "output_index": index}
    if item["type"] == "function_call":
        yield _of("output_item.added", {"item": {**begun, "arguments": ""}, "output_index": index})
        for delta in deltas:
            yield _of("function_call_arguments.delta", {**where, "delta": delta})
        yield _of("function_call_arguments.done", {**where, "arguments": item["arguments"]})
    else:
        part, where = item["content"][0], {**where, "content_index": 0}
        yield _of("output_item.added", {"item": {**begun, "content": []}, "output_index": index})
        yield _of("content_part.added", {**where, "part": {**part, "text": ""}})
        for delta in deltas:
            yield _of("output_text.delta", {**where, "delta": delta, "logprobs": []})
        yield _of("output_text.done", {**where, "text": part["text"], "logprobs": []})
        yield _of("content_part.done", {**where, "part": part})
    yield _of("output_item.done", {"item": item, "output_index": index})


def _of(kind: str, members: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": f"response.{kind}", **members}


def _event(number: int, event: Mapping[str, Any]) -> bytes:
    told = {**event, "sequence_number": number}
    return b"event: %s\ndata: %s\n\n" % (str(event["type"]).encode(), orjson.dumps(told))
