"""The tools of a messages request, and where its conversation begins, for models that must be given all of it at once.

Anthropic holds tools back (`defer_loading`) until its own search, a `tool_reference` in a tool's result or a
`tool_addition` brings them before the model, and begins a conversation at its newest summary (`compaction`). Other
providers are given every tool, and the summary as the words it is: more tokens, and nothing less to answer from.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from adapters.chat import Json
from adapters.others import OFTEN, others

_SEARCH: Final = "tool_search_tool_"


def offered(values: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    """Each tool with its place in the request, but for the provider's search; what was added is there, what was removed
    is not."""
    held = {
        str(tool.get("name")): (f"tools[{i}]", tool)
        for i, tool in enumerate(values.get("tools") or ())
        if not str(tool.get("type")).startswith(_SEARCH)
    }
    removed: dict[str, tuple[str, Json]] = {}
    for at, block in _changes(values.get("messages") or []):
        change = block.get("tool") or {}
        tool = change.get("definition") or change
        name = str(tool.get("name"))
        if block["type"] == "tool_removal":
            if name in held:
                removed[name] = held.pop(name)
        elif "definition" in change:
            held[name] = (f"{at}.tool", tool)
        elif name in removed:
            held[name] = removed.pop(name)
    yield from held.values()


def _changes(messages: list[Any]) -> Iterator[tuple[str, Json]]:
    """What adds or removes a tool, in order."""
    for i, message in enumerate(messages):
        content = message.get("content") if isinstance(message, dict) else None
        for j, block in enumerate(content if isinstance(content, list) else ()):
            if isinstance(block, dict) and block.get("type") in ("tool_addition", "tool_removal"):
                yield f"messages[{i}].content[{j}]", block


def tools_on_the_way(values: Mapping[str, Any]) -> bool:
    """Whether the conversation itself adds or removes tools."""
    messages = values.get("messages")
    return isinstance(messages, list) and any(True for _ in _changes(messages))


def tells_nothing(block: Json) -> bool:
    """Whether a block says nothing to others: which tools there are, where all are given from the start, or that there
    is no summary."""
    kind = block.get("type")
    searched = kind == "server_tool_use" and str(block.get("name")).startswith(_SEARCH)
    return searched or kind in ("tool_search_tool_result", "tool_addition", "tool_removal", "compaction")


def since_summary(messages: list[Any]) -> Iterator[tuple[int, Any]]:
    """The messages that count, each with its place: from the newest summary on, which is told as text."""
    for i in range(len(messages) - 1, -1, -1):
        if i & OFTEN == OFTEN:
            others()
        content = messages[i].get("content") if isinstance(messages[i], dict) else None
        blocks = content if isinstance(content, list) else []
        for j in range(len(blocks) - 1, -1, -1):
            if blocks[j].get("type") == "compaction" and blocks[j].get("content"):
                summary = {"type": "text", "text": blocks[j]["content"]}
                yield i, {**messages[i], "content": [summary, *blocks[j + 1 :]]}
                yield from enumerate(messages[i + 1 :], i + 1)
                return
    yield from enumerate(messages)
