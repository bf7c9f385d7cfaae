"""What of a responses request only the provider that keeps or runs it can honour.

Responses, conversations, prompts, files and containers may be kept at the provider and named by id. Whoever may call
Weir must not name what another tenant made: `references` lists what a request names, `made` what an answer leaves
behind, so that the gateway can hold one against the other.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from adapters.chat import Json
from adapters.dialects.kept import named
from adapters.errors import Unsupported

CARRIED_TOOLS: Final = frozenset({"function", "custom"})  # what the application runs itself

_STORED_STATE: Final = ("previous_response_id", "conversation", "prompt", "store", "background")


def references(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of provider-kept objects that a request names: earlier responses, conversations, stored prompts, items,
    files, vector stores, containers. Each once, in order. Never raises on JSON."""
    return tuple(dict.fromkeys(named(dict(values), bare=True)))


def made(response: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids by which a response, its items and the containers its tools ran in can be named later. An answer that
    is not stored leaves containers only."""
    stored = response.get("store") is not False
    found: dict[str, None] = {}
    if stored and isinstance(response.get("id"), str):
        found[response["id"]] = None
    for item in response.get("output") or ():
        found.update((name, None) for name in _left_by(item, stored=stored))
    return tuple(found)


def _left_by(item: Json, *, stored: bool) -> Iterator[str]:
    notes = [note for part in item.get("content") or () for note in part.get("annotations") or ()]
    names = [item.get("id") if stored else None, item.get("container_id")]
    for note in notes:
        if note.get("type") == "container_file_citation":
            names += [note.get("file_id"), note.get("container_id")]
    return (name for name in names if isinstance(name, str))


def refuse_stored(values: Mapping[str, Any], kept: frozenset[str] = frozenset()) -> None:
    """Raises Unsupported where a request needs state that a provider kept, or asks it to keep some; `kept` are the
    members whose wish it does fulfil."""
    for key in _STORED_STATE:
        if values.get(key) and key not in kept:
            raise Unsupported(
                key, f"'{key}' needs a provider that stores responses, and this model's does not"
            )
    items = values.get("input")
    for i, item in enumerate(items if isinstance(items, list) else ()):
        if item.get("type") == "item_reference" or item.keys() == {"id"}:
            raise Unsupported(
                f"input[{i}]", f"'input[{i}]' refers to a stored item, and this model's provider stores none"
            )


def refuse_hosted(values: Mapping[str, Any], known: frozenset[str] = CARRIED_TOOLS) -> None:
    """Raises Unsupported for tools that OpenAI would run itself (web or file search, code, computers, MCP), and for
    any other than the `known`."""
    for i, tool in enumerate(values.get("tools") or ()):
        if str(tool.get("type")) not in known:
            raise Unsupported(
                f"tools[{i}].type",
                f"tools of the type '{tool.get('type')}' cannot be carried to this model's provider",
            )
