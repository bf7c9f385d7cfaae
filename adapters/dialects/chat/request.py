"""Chat requests to and from the canonical form, for backends or clients of another dialect.

What becomes of a field that the canonical form does not hold:

| chat field | fate |
|---|---|
| `seed`, `prediction`, `prompt_cache_*`, `verbosity`, `metadata`, message `name` | a hint: left out |
| `safety_identifier` | taken for `user` where that is missing |
| `n`, `logprobs`, penalties, `logit_bias`, `store`, `modalities` | refused unless it asks nothing |
| `functions`, `function_call`, messages of the role `function` | tools, of which one is called at a time (`legacy`) |
| `audio`, `web_search_options`, tools that are no functions, anything unknown | refused |
| `reasoning_content` of earlier answers | left out: no provider takes unsigned thinking back |
| `thinking_blocks` of earlier answers (see `chat.answer`) | kept where signed |
| `cache_control` on a message, part or tool | kept |

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
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from adapters.dialects.chat import legacy
from adapters.errors import Unsupported
from adapters.others import OFTEN, others

_HELD: Final = frozenset(
    ("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature",
     "top_p", "top_k", "stop", "tools", "tool_choice", "parallel_tool_calls", "response_format",
     "reasoning_effort", "user", "safety_identifier", "service_tier", "functions", "function_call")
)  # fmt: skip
_HINTS: Final = frozenset(
    ("seed", "prediction", "prompt_cache_key", "prompt_cache_retention", "verbosity", "metadata")
)
_ASKS_NOTHING: Final[dict[str, Any]] = {
    "n": 1, "logprobs": False, "top_logprobs": 0, "frequency_penalty": 0, "presence_penalty": 0,
    "logit_bias": {}, "store": False, "modalities": ["text"], "ignore_eos": False,
}  # fmt: skip
_MESSAGE: Final = frozenset(
    (
        "role",
        "content",
        "name",
        "tool_calls",
        "tool_call_id",
        "cache_control",
        "thinking_blocks",
        "function_call",
    )
)
_ECHOES: Final = frozenset(  # what answers hold and clients send back
    ("refusal", "annotations", "reasoning_content", "reasoning", "provider_blocks", "parsed")
)
_EFFORTS: Final[tuple[Effort, ...]] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


def read_request(values: Mapping[str, Any]) -> Request:
    """A chat body that passed `chat.read`, in canonical form. Raises Unsupported."""
    _refuse_unknown(values)
    old = legacy.asks(values)
    tools = legacy.tools(values) if old else values.get("tools") or ()
    stop = values.get("stop") or ()
    limit = values.get("max_completion_tokens")
    return Request(
        turns=tuple(_turns(list(legacy.renewed(values["messages"])))),
        stream=values.get("stream") is True,
        max_output_tokens=values.get("max_tokens") if limit is None else limit,
        temperature=values.get("temperature"),
        top_p=values.get("top_p"),
        top_k=values.get("top_k"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        tools=tuple(_tool(i, tool) for i, tool in enumerate(tools)),
        tool_choice=_tool_choice(legacy.choice(values) if old else values.get("tool_choice")),
        parallel_tools=False if old else values.get("parallel_tool_calls"),
        format=read_format(values),
        effort=_effort(values.get("reasoning_effort")),
        user=values.get("user") or values.get("safety_identifier"),
        standard_tier=_standard_tier(values.get("service_tier")),
    )


def read_format(values: Mapping[str, Any]) -> Format | None:
    """The JSON that `response_format` asks for. Raises Unsupported."""
    asked = values.get("response_format")
    kind = asked.get("type") if asked else "text"
    if kind == "text":
        return None
    if kind == "json_object":
        return Format()
    held = asked.get("json_schema") if asked else None
    if kind != "json_schema" or not isinstance(held, dict) or not isinstance(held.get("schema"), dict):
        raise Unsupported("response_format", "response_format must be text, json_object or a json_schema")
    return Format(held["schema"], held.get("name") or "answer", held.get("strict") is True)


def _refuse_unknown(values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        known = key in _HELD or key in _HINTS or value is None
        if known or (key in _ASKS_NOTHING and value == _ASKS_NOTHING[key]):
            continue
        raise Unsupported(key, f"'{key}' cannot be carried to this model's provider")


def _effort(value: object) -> Effort | None:
    for effort in _EFFORTS:
        if value == effort:
            return effort
    if value is not None:
        raise Unsupported("reasoning_effort", f"reasoning_effort must be one of {', '.join(_EFFORTS)}")
    return None


def _standard_tier(value: object) -> bool:
    if value not in (None, "auto", "default"):
        raise Unsupported("service_tier", "this model's provider has only the service tiers auto and default")
    return value == "default"


def _turns(messages: list[Json]) -> Iterator[Turn]:
    for i, message in enumerate(messages):
        if i & OFTEN == OFTEN:
            others()
        at = f"messages[{i}]"
        for key, value in message.items():
            if key not in _MESSAGE and key not in _ECHOES and value:
                raise Unsupported(f"{at}.{key}", f"'{at}.{key}' cannot be carried to this model's provider")
        role = message.get("role")
        if role in ("system", "developer"):
            yield Turn("system", tuple(_content(message, at)))
        elif role == "user":
            yield Turn("user", tuple(_content(message, at)))
        elif role == "assistant":
            yield Turn("assistant", tuple(_assistant(message, at)))
        elif role == "tool":
            parts = tuple(part for part in _content(message, at) if isinstance(part, Text | Media))
            yield Turn("user", (ToolResult(message.get("tool_call_id") or "", parts),))
        else:
            raise Unsupported(f"{at}.role", f"'{at}.role' must be system, developer, user, assistant or tool")


def _assistant(message: Json, at: str) -> Iterator[Part]:
    for block in message.get("thinking_blocks") or ():
        if block.get("type") == "redacted_thinking":
            yield Thinking("", redacted=block.get("data") or "")
        elif block.get("signature"):
            yield Thinking(block.get("thinking") or "", block["signature"])
    yield from _content(message, at)
    if message.get("refusal") and not message.get("content"):
        yield Text(message["refusal"])
    for j, call in enumerate(message.get("tool_calls") or ()):
        function = call.get("function")
        if call.get("type", "function") != "function" or not isinstance(function, dict):
            raise Unsupported(f"{at}.tool_calls[{j}].type", "only calls of functions can be carried over")
        arguments = function.get("arguments") or "{}"
        yield ToolCall(call.get("id") or "", function.get("name") or "", arguments, call.get("cache_control"))


def _content(message: Json, at: str) -> Iterator[Part]:
    content = message.get("content")
    if isinstance(content, str):
        if content:
            yield Text(content, message.get("cache_control"))
        return
    for j, part in enumerate(content or ()):
        yield Text(part) if isinstance(part, str) else _part(part, f"{at}.content[{j}]")


def _part(part: Json, at: str) -> Part:
    kind, cache = part.get("type", "text"), part.get("cache_control")
    if kind in ("text", "refusal"):
        return Text(part.get(kind) or "", cache)
    if kind == "image_url":
        image = part.get("image_url")
        image = image if isinstance(image, dict) else {"url": image or ""}
        return _medium("image", image.get("url") or "", image.get("detail") or "", "", cache)
    if kind == "file":
        file = part.get("file") or {}
        name = file.get("filename") or ""
        if file.get("file_id"):
            return Media("document", file_id=file["file_id"], name=name, cache=cache)
        return _medium("document", file.get("file_data") or file.get("file_url") or "", "", name, cache)
    raise Unsupported(
        f"{at}.type", f"content of the type '{kind}' cannot be carried to this model's provider"
    )


def _medium(kind: Any, url: str, detail: str, name: str, cache: Json | None) -> Media:
    if not url.startswith("data:"):
        if not url.startswith(("http://", "https://")):
            raise Unsupported("messages", f"an {kind} must be an http or data URL")
        return Media(kind, url=url, detail=detail, name=name, cache=cache)
    head, _, data = url[5:].partition(",")
    media_type = head.partition(";")[0]
    return Media(kind, data=data, media_type=media_type, detail=detail, name=name, cache=cache)


def _tool(i: int, tool: Json) -> Tool:
    function = tool.get("function")
    if tool.get("type") != "function" or not isinstance(function, dict):
        raise Unsupported(
            f"tools[{i}].type", f"tools of the type '{tool.get('type')}' cannot be carried over"
        )
    return Tool(
        function.get("name") or "",
        function.get("description") or "",
        function.get("parameters") or {"type": "object", "properties": {}},
        function.get("strict") is True,
        tool.get("cache_control") or function.get("cache_control"),
    )


def _tool_choice(choice: Any) -> ToolChoice | None:
    if choice is None:
        return None
    for mode in ("auto", "none", "required"):
        if choice == mode:
            return ToolChoice(mode)
    if isinstance(choice, dict) and choice.get("type") == "function":
        return ToolChoice("named", (choice.get("function") or {}).get("name") or "")
    raise Unsupported("tool_choice", "tool_choice must be auto, none, required or the name of a function")
