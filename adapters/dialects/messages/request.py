"""Messages requests in canonical form, for backends of another dialect.

What becomes of a field that the canonical form does not hold:

| messages field | fate |
|---|---|
| top-level `cache_control`, `output_config.task_budget` | a hint: left out |
| `context_management` | left out: the whole conversation is there instead of what would be left of it |
| tools held back (`defer_loading`), and the search for them | all are given from the start (`offered`) |
| a summary that stands for what came before (`compaction`) | told as text, and what came before is left out, as there |
| `tool_reference` in a tool's result | the tool's name |
| `search_result` | its title, source and text; what is cited of it is not told |
| `thinking` adaptive | left out, unless `output_config.effort` says how much |
| `mcp_servers`, `container`, `inference_geo`, anything unknown | refused |
| other tools the provider runs itself (`web_search_…`), blocks they left in earlier answers | refused |

Refused means `Unsupported`, naming the field.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from adapters.chat import (
    Aside,
    Effort,
    Format,
    Json,
    Media,
    Part,
    Request,
    Role,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from adapters.dialects.encoding import to_text
from adapters.dialects.messages.offered import offered, since_summary, tells_nothing
from adapters.errors import Unsupported
from adapters.others import OFTEN, others

_HELD: Final = frozenset(
    ("model", "messages", "system", "stream", "max_tokens", "temperature", "top_p", "top_k", "stop_sequences",
     "tools", "tool_choice", "thinking", "output_config", "output_format", "metadata", "service_tier")
)  # fmt: skip
_HINTS: Final = frozenset(("cache_control", "betas", "context_management"))
_EFFORTS: Final[tuple[Effort, ...]] = ("low", "medium", "high", "xhigh", "max")
_MODES: Final[dict[str, Any]] = {"auto": "auto", "any": "required", "none": "none", "tool": "named"}


def read_request(values: Mapping[str, Any]) -> Request:
    """A messages body in canonical form. Raises Unsupported."""
    for key, value in values.items():
        if key not in _HELD and key not in _HINTS and value:
            raise Unsupported(key, f"'{key}' cannot be carried to this model's provider")
    choice = values.get("tool_choice") or {}
    output = values.get("output_config") or {}
    thinking = values.get("thinking") or {}
    return Request(
        turns=tuple(_turns(values)),
        stream=values.get("stream") is True,
        max_output_tokens=values.get("max_tokens"),
        temperature=values.get("temperature"),
        top_p=values.get("top_p"),
        top_k=values.get("top_k"),
        stop=tuple(values.get("stop_sequences") or ()),
        tools=tuple(_tool(at, tool) for at, tool in offered(values)),
        tool_choice=_tool_choice(choice),
        parallel_tools=False if choice.get("disable_parallel_tool_use") else None,
        format=read_format(values),
        effort=_effort(output.get("effort")),
        thinking_budget=0 if thinking.get("type") == "disabled" else thinking.get("budget_tokens"),
        user=(values.get("metadata") or {}).get("user_id"),
        standard_tier=values.get("service_tier") == "standard_only",
    )


def _effort(value: object) -> Effort | None:
    for effort in _EFFORTS:
        if value == effort:
            return effort
    if value is not None:
        raise Unsupported("output_config.effort", f"effort must be one of {', '.join(_EFFORTS)}")
    return None


def _turns(values: Mapping[str, Any]) -> Iterator[Turn]:
    system = values.get("system")
    if system:
        yield Turn("system", tuple(_parts(system, "system")))
    for i, message in since_summary(values.get("messages") or []):
        if i & OFTEN == OFTEN:
            others()
        at = f"messages[{i}]"
        role: Role | None = message.get("role") if isinstance(message, dict) else None
        if role not in ("system", "user", "assistant"):
            raise Unsupported(f"{at}.role", f"'{at}.role' must be user, assistant or system")
        parts = tuple(_parts(message.get("content") or (), f"{at}.content"))
        if parts or not message.get("content"):
            yield Turn(role, parts)


def _parts(content: Any, at: str) -> Iterator[Part]:
    if isinstance(content, str):
        yield Text(content)
        return
    for j, block in enumerate(content):
        if not tells_nothing(block):
            yield read_block(block, f"{at}[{j}]")


def read_block(block: Json, at: str) -> Part:
    """One content block; one that only this dialect knows becomes an aside."""
    kind, cache = block.get("type"), block.get("cache_control")
    if kind == "text":
        return Text(block.get("text") or "", cache, tuple(block.get("citations") or ()))
    if kind in ("image", "document"):
        return _media(block, at)
    if kind == "tool_use":
        return ToolCall(
            block.get("id") or "", block.get("name") or "", to_text(block.get("input") or {}), cache
        )
    if kind == "tool_result":
        return _tool_result(block, at)
    if kind == "thinking":
        return Thinking(block.get("thinking") or "", block.get("signature") or "")
    if kind == "redacted_thinking":
        return Thinking("", redacted=block.get("data") or "")
    if kind == "tool_reference":
        return Text(block.get("tool_name") or "")
    if kind == "search_result":
        return _found(block, at)
    return Aside(block)


def _found(block: Json, at: str) -> Text:
    """What a search of the application's found, as text."""
    said = [
        part.text for part in _parts(block.get("content") or (), f"{at}.content") if isinstance(part, Text)
    ]
    head = f"{block.get('title') or ''}\n{block.get('source') or ''}"
    return Text("\n\n".join([head, *said]), block.get("cache_control"))


def _tool_result(block: Json, at: str) -> ToolResult:
    parts = tuple(_parts(block.get("content") or (), f"{at}.content"))
    held = tuple(part for part in parts if isinstance(part, Text | Media))
    if len(held) < len(parts):
        raise Unsupported(f"{at}.content", "a tool's result may hold text, images and documents")
    return ToolResult(
        block.get("tool_use_id") or "", held, block.get("is_error") is True, block.get("cache_control")
    )


def _media(block: Json, at: str) -> Media:
    source, kind = block.get("source") or {}, block["type"]
    origin = source.get("type")
    if origin not in ("base64", "url", "file", "text"):
        raise Unsupported(f"{at}.source", f"a source of the type '{origin}' cannot be carried over")
    data = source.get("data") or ""
    return Media(
        kind,
        url=source.get("url") or "",
        data=data if origin == "base64" else "",
        media_type=source.get("media_type") or "",
        file_id=source.get("file_id") or "",
        text=data if origin == "text" else "",
        name=block.get("title") or "",
        cites=(block.get("citations") or {}).get("enabled") is True,
        cache=block.get("cache_control"),
    )


def _tool(at: str, tool: Json) -> Tool:
    if tool.get("type") not in (None, "custom"):
        raise Unsupported(f"{at}.type", f"tools of the type '{tool['type']}' cannot be carried over")
    return Tool(
        tool.get("name") or "",
        tool.get("description") or "",
        tool.get("input_schema") or {"type": "object", "properties": {}},
        tool.get("strict") is True,
        tool.get("cache_control"),
    )


def _tool_choice(choice: Json) -> ToolChoice | None:
    if not choice:
        return None
    mode = _MODES.get(choice.get("type") or "")
    if mode is None:
        raise Unsupported("tool_choice", "tool_choice.type must be auto, any, none or tool")
    return ToolChoice(mode, choice.get("name") or "" if mode == "named" else "")


def read_format(values: Mapping[str, Any]) -> Format | None:
    """The JSON that `output_config.format` asks for. Raises Unsupported."""
    asked = (values.get("output_config") or {}).get("format") or values.get("output_format")
    if not asked:
        return None
    if asked.get("type") != "json_schema" or not isinstance(asked.get("schema"), dict):
        raise Unsupported("output_config.format", "the format must be a json_schema")
    return Format(asked["schema"], "answer", strict=True)
