"""The redacted form of a request: free text rewritten, everything else as it came.

Only what people and models said is rewritten: messages, instructions, prompts, and what tools were given and gave
back. Names, ids, schemas, tool definitions, signed thoughts, numbers and encoded content are not touched: a value
that stands there stays there, and whoever judges the result sees it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.call import Call, Dialect
from adapters.document import Document, parse

Change = Callable[[str], str]

DIALECTS: Final[frozenset[Dialect]] = frozenset({"chat", "completions", "messages", "responses"})

_SPOKEN: Final[Mapping[str, frozenset[str]]] = {  # the members of a body that hold a conversation
    "chat": frozenset({"messages"}),
    "completions": frozenset({"prompt", "suffix"}),
    "messages": frozenset({"system", "messages"}),
    "responses": frozenset({"instructions", "input"}),
}
_TEXTS: Final = frozenset(
    {"content", "text", "refusal", "output", "arguments", "reasoning_content", "reasoning"}
)
_HOLDERS: Final = frozenset({*_TEXTS, "tool_calls", "function_call", "function", "custom", "summary"})
_SIGNED: Final = ("signature", "encrypted_content")  # what stands beside these must stay as it was signed
_ENCODED: Final = (  # parts whose payload is encoded, held elsewhere, or not to be changed
    "image_url input_image image input_audio audio audio_url video video_url input_video file input_file document "
    "container_upload thinking redacted_thinking item_reference compaction"
)
_CLOSED: Final = frozenset(_ENCODED.split())


class CannotRewrite(ValueError):  # noqa: N818  # it names what is asked too much
    """A text would not stay what it is: JSON in which a value is no string, or a key. `str()` names no text."""


@dataclass(frozen=True, slots=True)
class RedactedCall:
    """A request with placeholders for values; `values` are those, by placeholder."""

    call: Call
    values: Mapping[str, str] = field(repr=False)


def rewritten(call: Call, change: Change) -> Document:
    """The call's document with every free text put through `change`. Raises CannotRewrite; RecursionError where the
    body is nested too deeply."""
    spoken = _SPOKEN[call.dialect]
    changes: dict[str, str | None] = {}
    for key, value in call.document.values.items():
        if key in spoken:
            new = _value(value, change)
            if new != value:
                changes[key] = json.dumps(new)
    return parse(bytes(call.document.rewritten(changes)))


def _value(value: Any, change: Change) -> Any:
    """A text, an object that holds some, or a list of those."""
    if value.__class__ is str:
        return _text(value, change)
    if value.__class__ is list:
        return [_value(each, change) for each in value]
    if value.__class__ is dict:
        return _object(value, change)
    return value


def _object(holder: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """A message, an item, a part, a call."""
    kind = holder.get("type")
    if (kind.__class__ is str and kind in _CLOSED) or any(holder.get(key) for key in _SIGNED):
        return dict(holder)
    return {
        key: _data(value, change) if key == "input" else _value(value, change) if key in _HOLDERS else value
        for key, value in holder.items()
    }


def _data(value: Any, change: Change) -> Any:
    """What a tool was given: every string in it, but no key."""
    if value.__class__ is str:
        return _text(value, change)
    if value.__class__ is list:
        return [_data(each, change) for each in value]
    if value.__class__ is dict:
        return {key: _data(each, change) for key, each in value.items()}
    return value


def _text(text: str, change: Change) -> str:
    new = change(text)
    if new == text:
        return text
    before = _structure(text)
    if before is not None and _structure(new) != before:
        raise CannotRewrite("a value in JSON text is not the whole of a string, or is a key")
    return new


def _structure(text: str) -> Any:
    """What stays of a text that is JSON when its strings are left away; None where it is none."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return _skeleton(json.loads(text))
    except ValueError:
        return None


def _skeleton(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _skeleton(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_skeleton(each) for each in value]
    return "" if isinstance(value, str) else value
