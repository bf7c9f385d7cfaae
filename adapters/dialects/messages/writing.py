"""The canonical request as a messages body.

Where messages know less than the canonical form:

* System turns are hoisted into `system`, in order, wherever they stood: their authority counts for more than
  their place. A conversation of nothing but system turns has its last one said by the user.
* `max_tokens` is demanded: `models.abilities` has the default.
* A JSON answer is asked for by `output_config.format` where the model has it, else (and for objects without
  a schema) by a forced tool, whose arguments become the answer's text (`answer_tool`).
* An effort is asked for as the model's generation understands it. It is a hint, so it is left out where thinking
  cannot be had: a forced tool, fewer than 1,366 tokens to answer in, or a tool loop whose thinking the client
  dropped. A temperature or top_p that thinking forbids is refused, not overruled.
* Temperatures above 1, images by foreign file ids, audio: refused.
"""

import base64
import json
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from adapters.chat import (
    Effort,
    Format,
    Json,
    Media,
    Part,
    Request,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from adapters.dialects.messages.models import abilities
from adapters.dialects.signing import signature_in
from adapters.errors import Unsupported
from adapters.others import OFTEN, others

_role: Final = attrgetter("role")
FILES_BETA: Final = b"files-api-2025-04-14"  # what documents and images by file id need in `anthropic-beta`

_ANSWER_TOOL: Final = "answer_in_json"
_LEAST_BUDGET: Final = 1024  # thinking tokens, Anthropic's minimum
_BUDGETS: Final[dict[Effort, int]] = {
    "minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 24576, "max": 31999,
}  # fmt: skip
_CHOICES: Final = {"auto": "auto", "required": "any", "none": "none", "named": "tool"}


def answer_tool(format_: Format | None, model: str) -> str | None:
    """The tool whose arguments are the JSON answer, for a model that cannot be held to a schema otherwise."""
    if format_ is None or (format_.schema is not None and abilities(model).schema):
        return None
    return _ANSWER_TOOL


def write_request(request: Request, model: str) -> Json:
    """A messages body. Raises Unsupported."""
    if request.tier:
        raise Unsupported("service_tier", "this model's provider has only the service tiers auto and default")
    system, turns = _hoisted(request.turns)
    body: Json = {"model": model, "messages": _messages(turns)}
    tools = [_tool(tool, strict=abilities(model).schema) for tool in request.tools]
    choice = _tool_choice(request)
    stand_in = answer_tool(request.format, model)
    if stand_in:
        if tools:
            raise Unsupported("response_format", "this model cannot be given tools and a JSON format at once")
        schema = (request.format.schema if request.format else None) or {"type": "object"}
        tools = [{"name": stand_in, "description": "Give the answer.", "input_schema": schema}]
        choice = {"type": "tool", "name": stand_in}
    optional: Json = {
        "system": [_block(part, "system") for part in system] or None,
        "temperature": _temperature(request),
        "top_p": request.top_p,
        "top_k": request.top_k,
        "stop_sequences": list(request.stop) or None,
        "tools": tools or None,
        "tool_choice": choice if tools else None,
        "metadata": {"user_id": request.user} if request.user else None,
        "service_tier": "standard_only" if request.standard_tier else None,
        "stream": True if request.stream else None,
    }
    if request.format is not None and not stand_in:
        optional["output_config"] = {"format": {"type": "json_schema", "schema": request.format.schema}}
    body |= {key: value for key, value in optional.items() if value is not None}
    return body | _limits(request, model, body)


def uses_files(body: Json) -> bool:
    """Whether a body names a file by its id, for which the API wants `FILES_BETA`."""
    for i, message in enumerate(body["messages"]):
        if i & OFTEN == OFTEN:
            others()
        for block in message["content"]:
            if isinstance(block, dict) and (block.get("source") or {}).get("type") == "file":
                return True
    return False


def _temperature(request: Request) -> float | None:
    if request.temperature is not None and request.temperature > 1:
        raise Unsupported("temperature", "this model's provider takes temperatures from 0 to 1")
    return request.temperature


def _limits(request: Request, model: str, body: Json) -> Json:
    """`max_tokens` and, where an effort was asked for, thinking."""
    able = abilities(model)
    limit = request.max_output_tokens
    out: Json = {"max_tokens": limit or able.max_output_tokens}
    forced = (body.get("tool_choice") or {}).get("type") in ("any", "tool")
    effort = request.effort
    if forced or effort is None or effort == "none":
        return out
    if able.thinking == "none":
        raise Unsupported("reasoning_effort", "this model does not think")
    if able.thinking == "adaptive":
        shown = _effort_shown(effort, xhigh=able.xhigh)
        out["thinking"] = {"type": "adaptive"}
        out["output_config"] = {**body.get("output_config", {}), "effort": shown}
    else:
        budget = _BUDGETS[effort] if limit is None else min(_BUDGETS[effort], limit * 3 // 4)
        if budget < _LEAST_BUDGET or _loop_without_thinking(request.turns):
            return out
        out["thinking"] = {"type": "enabled", "budget_tokens": budget}
        if limit is None:
            out["max_tokens"] = max(out["max_tokens"], 2 * budget)
    _refuse_sampling(request)
    return out


def _effort_shown(effort: Effort, *, xhigh: bool) -> str:
    if effort == "minimal":
        return "low"
    return "max" if effort == "xhigh" and not xhigh else effort


def _refuse_sampling(request: Request) -> None:
    """What Anthropic's thinking forbids."""
    if request.temperature not in (None, 1):
        raise Unsupported("temperature", "a model that thinks takes no temperature but 1")
    if request.top_p is not None and request.top_p < 0.95:
        raise Unsupported("top_p", "a model that thinks takes no top_p below 0.95")
    if request.top_k is not None:
        raise Unsupported("top_k", "a model that thinks takes no top_k")


def _loop_without_thinking(turns: tuple[Turn, ...]) -> bool:
    """Whether the conversation stands in a tool loop whose thinking is lost: the API would refuse to think on."""
    for turn in reversed(turns):
        if turn.role == "assistant":
            calls = any(isinstance(part, ToolCall) for part in turn.parts)
            return calls and not any(isinstance(part, Thinking) and not _empty(part) for part in turn.parts)
    return False


def _hoisted(turns: tuple[Turn, ...]) -> tuple[tuple[Part, ...], list[Turn]]:
    """The system's parts, and the turns of the conversation with neighbours of one role joined."""
    system: list[Turn] = []
    spoken: list[Turn] = []
    for i, turn in enumerate(turns):
        if i & OFTEN == OFTEN:
            others()
        (system if turn.role == "system" else spoken).append(turn)
    if not spoken and system:
        spoken = [Turn("user", system.pop().parts)]
    joined: list[Turn] = []
    for role, neighbours in groupby(spoken, _role):
        if len(joined) & OFTEN == OFTEN:
            others()
        run = list(neighbours)
        parts = tuple(part for turn in run for part in turn.parts)
        joined.append(run[0] if len(run) == 1 else Turn(role, parts))
    return tuple(part for turn in system for part in turn.parts), joined


def _messages(turns: list[Turn]) -> list[Json]:
    messages: list[Json] = []
    for i, turn in enumerate(turns):
        if i & OFTEN == OFTEN:
            others()
        results = [part for part in turn.parts if isinstance(part, ToolResult)]
        rest = [part for part in turn.parts if not isinstance(part, ToolResult)]  # results must come first
        blocks = [_block(part, f"messages[{i}]") for part in (*results, *rest) if not _empty(part)]
        if blocks:
            messages.append({"role": turn.role, "content": blocks})
    return messages


def _empty(part: Part) -> bool:
    """The API refuses texts that say nothing, and thoughts that it did not sign or seal."""
    if isinstance(part, Thinking):
        return part.open or bool(signature_in(part))
    return isinstance(part, Text) and not part.text


def _block(part: Part, at: str) -> Json:
    if isinstance(part, Text):
        return _cached({"type": "text", "text": part.text}, part.cache)
    if isinstance(part, Media):
        return _cached(_media(part, at), part.cache)
    if isinstance(part, ToolCall):
        return _cached(
            {"type": "tool_use", "id": part.id, "name": part.name, "input": _arguments(part, at)}, part.cache
        )
    if isinstance(part, ToolResult):
        content = [_block(p, at) for p in part.parts if not _empty(p)]
        block: Json = {"type": "tool_result", "tool_use_id": part.call, "content": content}
        return _cached(block | ({"is_error": True} if part.failed else {}), part.cache)
    if isinstance(part, Thinking):
        if part.redacted:
            return {"type": "redacted_thinking", "data": part.redacted}
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}
    return part.block


def _cached(block: Json, cache: Json | None) -> Json:
    return {**block, "cache_control": cache} if cache else block


def _arguments(call: ToolCall, at: str) -> Any:
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise Unsupported(f"{at}.tool_calls", "the arguments of a tool call must be a JSON object")
    return arguments


def _media(media: Media, at: str) -> Json:
    block: Json = {"type": media.kind, "source": _source(media, at)}
    if media.kind == "document" and media.name:
        block["title"] = media.name
    if media.cites:
        block["citations"] = {"enabled": True}
    return block


def _source(media: Media, at: str) -> Json:
    if media.file_id:
        if not media.file_id.startswith("file_"):
            raise Unsupported(
                at, "a file that another provider keeps cannot be carried over; send its content"
            )
        return {"type": "file", "file_id": media.file_id}
    if media.url:
        return {"type": "url", "url": media.url}
    if media.text:
        return {"type": "text", "media_type": "text/plain", "data": media.text}
    if media.media_type.startswith("text/"):
        return {"type": "text", "media_type": "text/plain", "data": _decoded(media.data, at)}
    return {"type": "base64", "media_type": media.media_type, "data": media.data}


def _decoded(data: str, at: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:
        raise Unsupported(at, "a text document must be base64 of UTF-8") from None


def _tool(tool: Tool, *, strict: bool) -> Json:
    block: Json = {"name": tool.name, "description": tool.description, "input_schema": tool.schema}
    if not tool.description:
        del block["description"]
    if tool.strict and strict:
        block["strict"] = True
    return _cached(block, tool.cache)


def _tool_choice(request: Request) -> Json | None:
    choice = request.tool_choice
    if choice is None and request.parallel_tools is not False:
        return None
    out: Json = {"type": _CHOICES[choice.mode] if choice else "auto"}
    if choice and choice.mode == "named":
        out["name"] = choice.named
    if request.parallel_tools is False and out["type"] != "none":
        out["disable_parallel_tool_use"] = True
    return out
