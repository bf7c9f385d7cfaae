"""Calls of functions as chat had them before it had tools (`functions`, `function_call`), there and back.

A model calls one function at a time, and calls have no ids: a result belongs to the call before it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from adapters.chat import Json
from adapters.errors import Unsupported

FINISH: Final = "function_call"  # how an answer ends that calls a function


def asks(values: Mapping[str, Any]) -> bool:
    """Whether a request declares functions in the old form. Raises Unsupported where it has tools, too."""
    if not values.get("functions"):
        return False
    if values.get("tools"):
        raise Unsupported(
            "functions", "'functions' beside 'tools' cannot be carried to this model's provider"
        )
    return True


def tools(values: Mapping[str, Any]) -> list[Json]:
    """The functions as tools."""
    return [{"type": "function", "function": function} for function in values["functions"]]


def choice(values: Mapping[str, Any]) -> Any:
    """`function_call` as a choice among tools."""
    asked = values.get("function_call")
    if isinstance(asked, dict):
        return {"type": "function", "function": {"name": asked.get("name") or ""}}
    return asked


def renewed(messages: list[Json]) -> Iterator[Json]:
    """A conversation with its calls of functions as calls of tools, each with an id of its own."""
    calls = 0
    for message in messages:
        if message.get("role") == "function":
            yield {"role": "tool", "tool_call_id": _id(calls), "content": message.get("content")}
        elif message.get("function_call"):
            calls += 1
            call = {"id": _id(calls), "type": "function", "function": message["function_call"]}
            yield {**message, "function_call": None, "tool_calls": [call]}
        else:
            yield message


def _id(number: int) -> str:
    return f"function_call_{number}"


def message(written: Json) -> Json:
    """An answer's message with its call of a tool as one of a function."""
    calls = written.get("tool_calls")
    if not calls:
        return written
    kept = {key: value for key, value in written.items() if key != "tool_calls"}
    return {**kept, "function_call": calls[0]["function"]}
