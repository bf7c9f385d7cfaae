"""The tools of a responses request, for models that must be given all of them at once.

OpenAI holds tools back (`defer_loading`) until a search for them (`tool_search`, its own or the application's) or an
item (`additional_tools`) brings them before the model. Other providers are given every tool that the request holds:
more tokens, and nothing less to answer from. What a search left in the conversation says nothing then.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from adapters.chat import Json
from adapters.dialects.checks import wrong_type
from adapters.dialects.responses.stored import CARRIED_TOOLS
from adapters.errors import Unsupported

_BRINGS: Final = frozenset({"additional_tools", "tool_search_output"})
TELLS_OF_TOOLS: Final = _BRINGS | {"tool_search_call"}  # types of items


def offered(values: Mapping[str, Any]) -> list[tuple[str, Json]]:
    """Each tool with its place in the request, those of one name once. Raises Unsupported for tools that OpenAI would
    run itself (web or file search, code, computers, MCP)."""
    held: dict[str, tuple[str, Json]] = {}
    search = None
    for at, tool in _tools(values):
        kind = tool.get("type")
        if kind == "tool_search":
            search = (at, tool)
        elif kind in CARRIED_TOOLS:
            held.setdefault(str(tool.get("name")), (at, tool))
        else:
            raise _refused(at, tool)
    if search is not None and search[1].get("execution") == "client" and not _any_held_back(held):
        raise _refused(*search)  # the application knows of tools that the request does not
    return list(held.values())


def custom_tools(values: Mapping[str, Any]) -> frozenset[str]:
    """The names of the tools that take free text instead of JSON."""
    return frozenset(tool.get("name") or "" for _, tool in _tools(values) if tool.get("type") == "custom")


def items_bring_tools(values: Mapping[str, Any]) -> bool:
    """Whether the conversation itself has tools."""
    return any(True for _ in _bringing(values))


def brings_tools(values: Mapping[str, Any]) -> bool:
    """Whether the model is given any tool."""
    return any(True for _ in _tools(values))


def _refused(at: str, tool: Json) -> Unsupported:
    kind = tool.get("type")
    return Unsupported(f"{at}.type", f"tools of the type '{kind}' cannot be carried to this model's provider")


def _tools(values: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    """Each tool with its place. Raises InvalidRequest for one that is no object."""
    yield from ((f"tools[{i}]", tool) for i, tool in enumerate(values.get("tools") or ()))
    for i, item in _bringing(values):
        tools = item.get("tools")
        for j, tool in enumerate(tools if isinstance(tools, list) else ()):
            at = f"input[{i}].tools[{j}]"
            if not isinstance(tool, dict):
                raise wrong_type(at, "an object", tool)
            yield at, tool


def _bringing(values: Mapping[str, Any]) -> Iterator[tuple[int, Json]]:
    """The items that bring tools."""
    items = values.get("input")
    for i, item in enumerate(items if isinstance(items, list) else ()):
        if str(item.get("type")) in _BRINGS:
            yield i, item


def _any_held_back(held: Mapping[str, tuple[str, Json]]) -> bool:
    return any(tool.get("defer_loading") for _, tool in held.values())
