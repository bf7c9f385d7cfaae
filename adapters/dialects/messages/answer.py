"""Whole messages answers to and from the canonical form, and what their stop reasons mean."""

from typing import Final

from adapters.chat import Answer, Aside, Finish, Json, Media, Part, Text, Thinking, ToolCall, ToolResult
from adapters.dialects.encoding import read_arguments, to_json, to_text
from adapters.dialects.messages.request import read_block
from adapters.dialects.messages.usage import read_usage, write_usage

STOP_REASONS: Final[dict[str, Finish]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "compaction": "length",  # the context was made shorter and the answer is yet to come
    "refusal": "content_filter",
    "pause_turn": "stop",  # a tool of the provider's takes long: chat has no word for it, the client may ask on
}
_FINISHES: Final[dict[Finish, str]] = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "length": "max_tokens",
    "content_filter": "refusal",
}


def read_finish(stop_reason: object, *, as_text: bool = False) -> Finish:
    """A finish for a stop reason; one that Weir does not know ends the answer like any other. `as_text`: the
    only tool was there to hold the answer to JSON, so its call is the answer's end."""
    finish = STOP_REASONS.get(stop_reason, "stop") if isinstance(stop_reason, str) else "stop"
    return "stop" if as_text and finish == "tool_calls" else finish


def read_refusal(answer: Json) -> str | None:
    """Why the model refused, where the answer or its last delta says so."""
    details = answer.get("stop_details")
    explanation = details.get("explanation") if isinstance(details, dict) else None
    return explanation if answer.get("stop_reason") == "refusal" and isinstance(explanation, str) else None


def read_answer(answer: Json, answer_tool: str | None = None) -> Answer:
    """A message in canonical form; calls of `answer_tool` are the answer's text."""
    content = answer.get("content")
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    parts = tuple(_part(block, i, answer_tool) for i, block in enumerate(blocks))
    usage = answer.get("usage")
    return Answer(
        answer.get("id") or "",
        answer.get("model") or "",
        parts,
        read_finish(answer.get("stop_reason"), as_text=answer_tool is not None),
        answer.get("stop_sequence"),
        read_refusal(answer),
        read_usage(usage if isinstance(usage, dict) else {}),
    )


def _part(block: Json, i: int, answer_tool: str | None) -> Part:
    if answer_tool and block.get("type") == "tool_use" and block.get("name") == answer_tool:
        return Text(to_text(block.get("input")))
    if block.get("type") in ("text", "tool_use", "thinking", "redacted_thinking"):
        return read_block(block, f"content[{i}]")
    return Aside(block)


def write_answer(answer: Answer) -> Json:
    """The message a messages client reads."""
    content = [block for part in answer.parts if (block := write_part(part)) is not None]
    if answer.refusal and not content:
        content = [{"type": "text", "text": answer.refusal}]
    return {
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": content,
        "stop_reason": write_stop_reason(answer.finish, answer.stop_sequence),
        "stop_sequence": answer.stop_sequence,
        "usage": write_usage(answer.usage),
    }


def write_stop_reason(finish: Finish | None, stop_sequence: str | None) -> str | None:
    """The stop reason a messages client reads."""
    if stop_sequence is not None and finish == "stop":
        return "stop_sequence"
    return _FINISHES[finish] if finish else None


def write_part(part: Part) -> Json | None:
    """A block of an answer; None for what no answer holds. Thinking that nobody signed has an empty signature."""
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case ToolCall(call, name, arguments):
            return {"type": "tool_use", "id": call, "name": name, "input": read_arguments(arguments)}
        case Thinking(redacted=data) if data:
            return {"type": "redacted_thinking", "data": data}
        case Thinking(text, signature):
            return {"type": "thinking", "thinking": text, "signature": signature}
        case Aside(block):
            return block
        case Media() | ToolResult():
            return None


def write_error(message: str) -> bytes:
    """An error as Anthropic words it."""
    return to_json({"type": "error", "error": {"type": "api_error", "message": message}})
