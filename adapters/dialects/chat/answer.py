"""Whole chat answers to and from the canonical form.

What chat has no word for travels in additions that clients may ignore:

* `reasoning_content`: the text of the model's thinking.
* `thinking_blocks`: thinking its provider signed or sealed, `{type, thinking, signature}` or `{type, data}`. A
  client that sends them back in its assistant message keeps the model's train of thought over a tool loop.
* `annotations`: citations; those of web pages as OpenAI's `url_citation`, others as `citation`, unchanged.
* `provider_blocks`: what the provider's own tools left in the answer (searches, code runs, compactions),
  unchanged. To be read only: sent back, it is left out.

In a stream each entry of these lists comes whole, with its `index` in the list.
"""

from collections.abc import Iterator
from typing import Final, Literal

from adapters.chat import Answer, Aside, Finish, Json, Part, Text, Thinking, ToolCall
from adapters.dialects import signing
from adapters.dialects.chat import legacy
from adapters.dialects.chat.usage import read_usage, write_usage
from adapters.dialects.encoding import to_json
from adapters.errors import UpstreamError

FINISHES: Final[dict[str, Finish]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "model_length": "length",  # Mistral: the model's own limit, not the client's
}
_FAILURES: Final = {  # finish reasons that tell of no finish
    "error": "the provider ended the answer with an error",  # Mistral, OpenRouter
    "insufficient_system_resource": "the provider ran out of resources in the answer",  # DeepSeek
}


def read_finish(reason: object) -> Finish:
    """A finish for a finish reason; one that Weir does not know ends the answer like any other."""
    return FINISHES.get(reason, "stop") if isinstance(reason, str) else "stop"


def failed(reason: object) -> str | None:
    """What went wrong where a finish reason says that the answer broke off; None where it is a finish."""
    return _FAILURES.get(reason) if isinstance(reason, str) else None


def read_answer(answer: Json) -> Answer:
    """A chat answer of one choice in canonical form."""
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise UpstreamError("protocol", "the provider's answer has no choice in it", sent=True)
    choice = choices[0]
    message = choice.get("message") or {}
    stop = choice.get("stop_reason")  # vLLM says here which sequence stopped it
    return Answer(
        answer.get("id") or "",
        answer.get("model") or "",
        _parts(message),
        read_finish(choice.get("finish_reason")),
        stop if isinstance(stop, str) else None,
        message.get("refusal"),
        read_usage(answer.get("usage"), answer.get("service_tier")),
    )


def _parts(message: Json) -> tuple[Part, ...]:
    parts: list[Part] = []
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(reasoning, str):
        parts.append(Thinking(reasoning))
    for what, text in spoken(message.get("content")):
        parts.append(Text(text) if what == "text" else Thinking(text))
    called = message.get("function_call")
    for call in message.get("tool_calls") or ([{"function": called}] if called else ()):
        function = call.get("function") or {}
        thought = signing.sealed(call)
        if thought is not None:
            parts.append(thought)
        parts.append(
            ToolCall(call.get("id") or "", function.get("name") or "", function.get("arguments") or "")
        )
    return tuple(parts)


def spoken(content: object) -> Iterator[tuple[Literal["text", "thinking"], str]]:
    """What an answer's content, or a piece of it, says: text, or a list of chunks, some of them thought (Mistral)."""
    if isinstance(content, str):
        if content:
            yield "text", content
        return
    for chunk in content if isinstance(content, list) else ():
        if chunk.get("type") == "thinking":
            thought = "".join(part.get("text") or "" for part in chunk.get("thinking") or ())
            if thought:
                yield "thinking", thought
        elif chunk.get("text"):
            yield "text", chunk["text"]


def write_answer(answer: Answer, created: int, *, old: bool = False) -> Json:
    """The answer a chat client reads; `created` in seconds since 1970. `old`: it knows functions, and no tools."""
    message = write_message(answer)
    choice: Json = {
        "index": 0,
        "message": legacy.message(message) if old else message,
        "logprobs": None,
        "finish_reason": legacy.FINISH if old and answer.finish == "tool_calls" else answer.finish,
    }
    if answer.stop_sequence is not None:
        choice["stop_reason"] = answer.stop_sequence  # as vLLM tells it
    return {
        "id": answer.id,
        "object": "chat.completion",
        "created": created,
        "model": answer.model,
        "choices": [choice],
        "usage": write_usage(answer.usage),
    }


def write_message(answer: Answer) -> Json:
    """The assistant's message."""
    texts = [part for part in answer.parts if isinstance(part, Text)]
    thoughts = [part for part in answer.parts if isinstance(part, Thinking)]
    calls = [part for part in answer.parts if isinstance(part, ToolCall)]
    text = "".join(part.text for part in texts)
    optional: Json = {
        "reasoning_content": "".join(part.text for part in thoughts),
        "thinking_blocks": [write_thinking(part) for part in thoughts if part.signature or part.redacted],
        "tool_calls": [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in calls
        ],
        "annotations": _annotations(texts),
        "provider_blocks": [part.block for part in answer.parts if isinstance(part, Aside)],
    }
    message: Json = {"role": "assistant", "content": text if texts else None, "refusal": answer.refusal}
    return message | {key: value for key, value in optional.items() if value}


def write_thinking(part: Thinking) -> Json:
    """An entry of `thinking_blocks`."""
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.redacted}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def write_annotation(citation: Json, start: int, end: int) -> Json:
    """A citation of the answer's characters from `start` to `end`."""
    if isinstance(citation.get("url"), str):
        cited = {
            "url": citation["url"],
            "title": citation.get("title") or "",
            "start_index": start,
            "end_index": end,
        }
        return {"type": "url_citation", "url_citation": cited}
    return {"type": "citation", "citation": {**citation, "start_index": start, "end_index": end}}


def _annotations(texts: list[Text]) -> list[Json]:
    annotations: list[Json] = []
    at = 0
    for part in texts:
        end = at + len(part.text)
        annotations.extend(write_annotation(citation, at, end) for citation in part.citations)
        at = end
    return annotations


def write_error(
    message: str, kind: str = "api_error", param: str | None = None, code: str | None = None
) -> bytes:
    """An error as OpenAI words it."""
    return to_json({"error": {"message": message, "type": kind, "param": param, "code": code}})
