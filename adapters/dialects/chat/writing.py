"""The canonical request as a chat body, for clients of another dialect.

Thinking of earlier turns and cache breakpoints stay behind, since chat knows neither, but for signatures on calls
(`signing`), which go to providers that sign, and for thinking that nobody signed and that ended in calls of tools,
which goes as `reasoning_content` to providers that refuse the calls without it (DeepSeek). A failed tool's result
begins with "Error:"; images in a tool's result follow in the user's message, since a tool's holds text alone.
"""

from collections.abc import Iterator
from typing import Any, Final

from adapters.chat import (
    Aside,
    Effort,
    Json,
    Media,
    Request,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from adapters.dialects import signing
from adapters.errors import Unsupported
from adapters.others import OFTEN, others

_LONGEST_USER: Final = 64  # characters; coding agents put whole session records there, which identify nobody
_KEPT_BY_OPENAI: Final = "file-"  # what the id of a file begins with that chat can name
_EFFORT_UP_TO: Final[tuple[tuple[int, Effort], ...]] = ((4096, "low"), (16384, "medium"))  # thinking tokens


def write_request(
    request: Request, model: str, *, engine: bool, signs: bool = False, thinks_on: bool = False
) -> Json:
    """A chat body; `engine` says that vLLM's own fields are understood, `signs` that the provider signs calls of tools,
    `thinks_on` that it wants the thinking before them back. Raises Unsupported."""
    if request.top_k is not None and not engine:
        raise Unsupported("top_k", "this model's provider does not sample by top_k")
    if request.tier and engine:
        raise Unsupported("service_tier", "an engine has no service tiers")
    body: Json = {
        "model": model,
        "messages": _all_messages(request.turns, signs=signs, thinks_on=thinks_on),
    }
    format_, choice = request.format, request.tool_choice
    optional: Json = {
        "max_completion_tokens": request.max_output_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "stop": list(request.stop) or None,
        "tools": [_tool(tool) for tool in request.tools] or None,
        "tool_choice": None if choice is None else _tool_choice(choice),
        "parallel_tool_calls": request.parallel_tools if request.tools else None,
        "reasoning_effort": _effort(request),
        "user": request.user if request.user and len(request.user) <= _LONGEST_USER else None,
        "service_tier": None if engine else request.tier or ("default" if request.standard_tier else None),
    }
    if format_ is not None and format_.schema is not None:
        schema = {"name": format_.name, "schema": format_.schema, "strict": format_.strict}
        optional["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif format_ is not None:
        optional["response_format"] = {"type": "json_object"}
    if request.stream:
        optional |= {"stream": True, "stream_options": {"include_usage": True}}
    return body | {key: value for key, value in optional.items() if value is not None}


def _effort(request: Request) -> Effort | None:
    if request.effort is not None or not request.thinking_budget:
        return request.effort
    return next((effort for most, effort in _EFFORT_UP_TO if request.thinking_budget <= most), "high")


def _all_messages(turns: tuple[Turn, ...], *, signs: bool, thinks_on: bool) -> list[Json]:
    messages: list[Json] = []
    for i, turn in enumerate(turns):
        if i & OFTEN == OFTEN:
            others()
        messages += _messages(turn, signs=signs, thinks_on=thinks_on)
    return messages


def _messages(turn: Turn, *, signs: bool, thinks_on: bool) -> Iterator[Json]:
    if turn.role == "assistant":
        only_thought = turn.parts and all(isinstance(part, Thinking) for part in turn.parts)
        if not only_thought:
            yield _assistant(turn, signs=signs, thinks_on=thinks_on)
        return
    parts: list[Text | Media] = []
    for part in turn.parts:
        if isinstance(part, ToolResult):
            texts = [p.text for p in part.parts if isinstance(p, Text)]
            text = "\n".join(texts)
            yield {
                "role": "tool",
                "tool_call_id": part.call,
                "content": f"Error: {text}" if part.failed else text,
            }
            parts.extend(p for p in part.parts if isinstance(p, Media))
        elif isinstance(part, Text | Media):
            parts.append(part)
        elif isinstance(part, Aside):
            raise _refused(part)
    if parts:
        yield {"role": turn.role, "content": _content(parts)}


def _assistant(turn: Turn, *, signs: bool, thinks_on: bool) -> Json:
    for part in turn.parts:
        if isinstance(part, Aside):
            raise _refused(part)
    said = [part for part in turn.parts if isinstance(part, Text)]
    calls = list(_calls(turn, signs=signs))
    message: Json = {"role": "assistant", "content": _content(said) if said else None if calls else ""}
    if calls:
        message["tool_calls"] = calls
        thought = "".join(part.text for part in turn.parts if isinstance(part, Thinking) and part.open)
        if thinks_on and thought:
            message["reasoning_content"] = thought
    return message


def _calls(turn: Turn, *, signs: bool) -> Iterator[Json]:
    """The calls of a turn, each with the signature that stood before it."""
    signature = ""
    for part in turn.parts:
        if isinstance(part, ToolCall):
            function = {"name": part.name, "arguments": part.arguments}
            yield signing.signed({"id": part.id, "type": "function", "function": function}, signature)
            signature = ""
        elif signs:
            signature = signing.signature_in(part) or signature


def _refused(part: Aside) -> Unsupported:
    return Unsupported("messages", f"content of the type '{part.block.get('type')}' cannot be carried over")


def _content(parts: list[Any]) -> str | list[Json]:
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [{"type": "text", "text": p.text} if isinstance(p, Text) else _media(p) for p in parts]


def _media(media: Media) -> Json:
    if media.text:
        return {"type": "text", "text": media.text}
    if media.kind == "document" and media.file_id.startswith(_KEPT_BY_OPENAI):
        return {"type": "file", "file": {"file_id": media.file_id}}
    if media.file_id or (media.kind == "document" and not media.data):
        raise Unsupported("messages", "a document by reference cannot be carried to this model's provider")
    url = media.url or f"data:{media.media_type};base64,{media.data}"
    if media.kind == "image":
        return {
            "type": "image_url",
            "image_url": {"url": url, **({"detail": media.detail} if media.detail else {})},
        }
    return {"type": "file", "file": {"filename": media.name or "document.pdf", "file_data": url}}


def _tool(tool: Tool) -> Json:
    function: Json = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    return {"type": "function", "function": function | ({"strict": True} if tool.strict else {})}


def _tool_choice(choice: ToolChoice) -> str | Json:
    if choice.mode == "named":
        return {"type": "function", "function": {"name": choice.named}}
    return choice.mode
