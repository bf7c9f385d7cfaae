"""Responses requests in canonical form, for backends of another dialect.

What becomes of a field that the canonical form does not hold:

| responses field | fate |
|---|---|
| `metadata`, `prompt_cache_*`, `stream_options`, `max_tool_calls` | a hint: left out |
| `text.verbosity`, `reasoning.summary` | a hint: left out |
| `include` | left out: what it could ask of other providers' answers is in them; logprobs are refused |
| `safety_identifier` | taken for `user` where that is missing |
| `previous_response_id`, `conversation`, `prompt`, item references | refused: stored state |
| `store: true` | refused: stored state |
| `service_tier` other than `auto` and `default` | kept for providers that speak OpenAI's dialect |
| `truncation: auto`, `top_logprobs`, anything unknown | refused unless it asks nothing |
| tools held back, added by items, or searched for (`tool_search`) | all are given from the start (`offered`) |
| `context_management` | left out: the whole conversation is there instead of what would be left of it |
| other tools that OpenAI runs itself, and what they left in earlier answers | refused |
| tools that take free text (`custom`) | functions with one string, `input`; refused where a grammar holds the text |
| `tool_choice: allowed_tools` | the other tools are left out |
| reasoning of earlier answers | kept where Weir wrote it (`sealing`), for the provider that made it; else left out |

Refused means `Unsupported`, naming the field: nothing vanishes silently.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from adapters.chat import (
    Effort,
    Format,
    Json,
    Media,
    Part,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from adapters.dialects.encoding import to_text
from adapters.dialects.responses.offered import TELLS_OF_TOOLS, offered
from adapters.dialects.responses.sealing import opened
from adapters.dialects.responses.stored import refuse_stored
from adapters.errors import Unsupported
from adapters.others import OFTEN, others

_HELD: Final = frozenset(
    ("model", "input", "instructions", "stream", "max_output_tokens", "temperature", "top_p", "tools",
     "tool_choice", "parallel_tool_calls", "text", "reasoning", "user", "safety_identifier", "service_tier",
     "include")
)  # fmt: skip
_HINTS: Final = frozenset(
    ("metadata", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "stream_options",
     "max_tool_calls", "context_management")
)  # fmt: skip
_ASKS_NOTHING: Final[dict[str, Any]] = {
    "truncation": "disabled", "top_logprobs": 0, "background": False, "store": False,
}  # fmt: skip
_EFFORTS: Final[tuple[Effort, ...]] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_LOGPROBS: Final = "message.output_text.logprobs"
_ROLES: Final[dict[object, Role]] = {
    "user": "user", "assistant": "assistant", "system": "system", "developer": "system",
}  # fmt: skip
_FREE_TEXT: Final[Json] = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The tool's whole input, as free text."}},
    "required": ["input"],
    "additionalProperties": False,
}  # what a function takes that stands in for a custom tool


def read_request(values: Mapping[str, Any]) -> Request:
    """A responses body that passed `responses.read`, in canonical form. Raises Unsupported."""
    refuse_stored(values)
    _refuse_unknown(values)
    choice, allowed = _tool_choice(values.get("tool_choice"))
    tools = [_tool(at, tool) for at, tool in offered(values)]
    return Request(
        turns=tuple(_turns(values)),
        stream=values.get("stream") is True,
        max_output_tokens=values.get("max_output_tokens"),
        temperature=values.get("temperature"),
        top_p=values.get("top_p"),
        tools=tuple(tool for tool in tools if allowed is None or tool.name in allowed),
        tool_choice=choice,
        parallel_tools=values.get("parallel_tool_calls"),
        format=read_format(values),
        effort=_effort((values.get("reasoning") or {}).get("effort")),
        user=values.get("user") or values.get("safety_identifier"),
        standard_tier=values.get("service_tier") == "default",
        tier=_further_tier(values.get("service_tier")),
    )


def read_format(values: Mapping[str, Any]) -> Format | None:
    """The JSON that `text.format` asks for. Raises Unsupported."""
    asked = (values.get("text") or {}).get("format") or {}
    kind = asked.get("type", "text")
    if kind == "text":
        return None
    if kind == "json_object":
        return Format()
    if kind != "json_schema" or not isinstance(asked.get("schema"), dict):
        raise Unsupported("text.format", "text.format must be text, json_object or a json_schema")
    return Format(asked["schema"], asked.get("name") or "answer", asked.get("strict") is True)


def _refuse_unknown(values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        known = key in _HELD or key in _HINTS or value is None
        if known or (key in _ASKS_NOTHING and value == _ASKS_NOTHING[key]):
            continue
        raise Unsupported(key, f"'{key}' cannot be carried to this model's provider")
    if _LOGPROBS in (values.get("include") or ()):
        raise Unsupported("include", f"'{_LOGPROBS}' cannot be had from this model's provider")


def _effort(value: object) -> Effort | None:
    for effort in _EFFORTS:
        if value == effort:
            return effort
    if value is not None:
        raise Unsupported("reasoning.effort", f"reasoning.effort must be one of {', '.join(_EFFORTS)}")
    return None


def _further_tier(value: object) -> str:
    return value if isinstance(value, str) and value not in ("auto", "default") else ""


def _turns(values: Mapping[str, Any]) -> Iterator[Turn]:
    """The conversation. What one side gave in several items (its words, its calls, results) is one turn; messages
    of users stay apart."""
    if values.get("instructions"):
        yield Turn("system", tuple(_content(values["instructions"], "instructions")))
    items = values.get("input")
    if isinstance(items, str):
        yield Turn("user", (Text(items),))
        return
    held: list[Turn] = []
    for i, item in enumerate(items or ()):
        if i & OFTEN == OFTEN:
            others()
        if item.get("type") in TELLS_OF_TOOLS:
            continue
        turn = _turn(item, f"input[{i}]")
        if not turn.parts:  # reasoning that stays behind, a message that says nothing
            continue
        if held and not _goes_on(held[-1], turn):
            yield _joined(held)
            held = []
        held.append(turn)
    if held:
        yield _joined(held)


def _goes_on(before: Turn, turn: Turn) -> bool:
    """Whether a turn belongs to the one before it: an assistant's further items, further results."""
    if before.role == turn.role == "assistant":
        return True
    return all(isinstance(part, ToolResult) for part in (*before.parts, *turn.parts))


def _joined(turns: list[Turn]) -> Turn:
    if len(turns) == 1:
        return turns[0]
    return Turn(turns[0].role, tuple([part for turn in turns for part in turn.parts]))


def _turn(item: Json, at: str) -> Turn:
    match item.get("type") or "message":
        case "message":
            role = _ROLES.get(item.get("role"))
            if role is None:
                raise Unsupported(f"{at}.role", f"'{at}.role' must be user, assistant, system or developer")
            return Turn(role, tuple(_content(item.get("content") or (), f"{at}.content")))
        case "function_call":
            arguments = item.get("arguments") or "{}"
            return Turn(
                "assistant", (ToolCall(item.get("call_id") or "", item.get("name") or "", arguments),)
            )
        case "custom_tool_call":
            arguments = to_text({"input": item.get("input") or ""})
            return Turn(
                "assistant", (ToolCall(item.get("call_id") or "", item.get("name") or "", arguments),)
            )
        case "function_call_output" | "custom_tool_call_output":
            parts = tuple(_content(item.get("output") or (), f"{at}.output"))
            held = tuple(part for part in parts if isinstance(part, Text | Media))
            return Turn("user", (ToolResult(item.get("call_id") or "", held),))
        case "reasoning":
            thought = opened(item)
            return Turn("assistant", (thought,) if thought else ())
        case kind:
            raise Unsupported(
                f"{at}.type", f"items of the type '{kind}' cannot be carried to this model's provider"
            )


def _content(content: Any, at: str) -> Iterator[Part]:
    if isinstance(content, str):
        yield Text(content)
        return
    for j, part in enumerate(content):
        yield _part(part, f"{at}[{j}]")


def _part(part: Json, at: str) -> Part:
    kind = part.get("type")
    if kind in ("input_text", "output_text", "text"):
        return Text(part.get("text") or "")
    if kind == "refusal":
        return Text(part.get("refusal") or "")
    if kind == "input_image":
        url, detail = part.get("image_url") or "", part.get("detail") or ""
        return _medium("image", url, part.get("file_id") or "", detail, "", at)
    if kind == "input_file":
        url, name = part.get("file_data") or part.get("file_url") or "", part.get("filename") or ""
        return _medium("document", url, part.get("file_id") or "", "", name, at)
    raise Unsupported(
        f"{at}.type", f"content of the type '{kind}' cannot be carried to this model's provider"
    )


def _medium(kind: Any, url: str, file_id: str, detail: str, name: str, at: str) -> Media:
    if file_id:
        return Media(kind, file_id=file_id, detail=detail, name=name)
    if url.startswith(("http://", "https://")):
        return Media(kind, url=url, detail=detail, name=name)
    if not url.startswith("data:"):
        raise Unsupported(at, f"'{at}' must be given by an http or data URL")
    head, _, data = url[5:].partition(",")
    return Media(kind, data=data, media_type=head.partition(";")[0], detail=detail, name=name)


def _tool(at: str, tool: Json) -> Tool:
    name, description = tool.get("name") or "", tool.get("description") or ""
    if tool["type"] == "custom":
        if (tool.get("format") or {}).get("type", "text") != "text":
            raise Unsupported(f"{at}.format", "this model's provider cannot hold a tool's input to a grammar")
        return Tool(name, description, _FREE_TEXT)
    schema = tool.get("parameters") or {"type": "object", "properties": {}}
    return Tool(name, description, schema, tool.get("strict") is True)


def _tool_choice(choice: Any) -> tuple[ToolChoice | None, frozenset[str] | None]:
    """The choice, and the names of the tools it allows where it does not allow all."""
    if choice is None:
        return None, None
    for mode in ("auto", "none", "required"):
        if choice == mode:
            return ToolChoice(mode), None
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind in ("function", "custom"):
        return ToolChoice("named", choice.get("name") or ""), None
    if kind == "allowed_tools" and choice.get("mode") in ("auto", "required"):
        return ToolChoice(choice["mode"]), frozenset(
            tool.get("name") or "" for tool in choice.get("tools") or ()
        )
    raise Unsupported(
        "tool_choice", "tool_choice must be auto, none, required, allowed_tools or name a function"
    )
