"""Values to JSON, whatever values an application may send."""

import json
from typing import Any

import orjson


def to_json(value: Any) -> bytes:
    """Compact JSON. Lone surrogates and integers beyond 64 bits, which JSON text can hold and orjson refuses,
    are escaped by the slower encoder."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()


def read_arguments(text: str) -> dict[str, Any]:
    """A tool call's arguments as an object. Text that is none (the answer's limit cut it) is kept under
    `arguments`, for the dialects that know objects only."""
    try:
        arguments = json.loads(text or "{}")
    except ValueError:
        arguments = None
    return arguments if isinstance(arguments, dict) else {"arguments": text}


def to_text(value: Any) -> str:
    """Compact JSON as text, as tool calls carry it."""
    return to_json(value).decode()
