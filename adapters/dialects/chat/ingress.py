"""What Weir must know of a chat request, and what it changes in one before it goes on.

Only what the gateway acts upon is checked; the rest is the provider's to judge, in its own words.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from adapters.call import Call, Headers
from adapters.dialects.checks import (
    check_answered_here,
    check_counts,
    check_engines_caches,
    check_kinds,
    check_messages,
    check_metadata,
    check_model,
    own_changes,
)
from adapters.document import Body, Document
from adapters.others import OFTEN, others

NOTHING_FURTHER: Final[Mapping[str, str | None]] = {}
# Fields that need no look here, or but a short one; a request with any other gets all looks.
_PLAIN: Final = frozenset(
    ("model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "seed")
)
_TEXT: Final = frozenset({"text"})
_NOTHING: Final[frozenset[str]] = frozenset()
_MODALITIES: Final = {  # part type → (what the model must read, the capability it needs for that)
    "text": ("text", None),
    "refusal": ("text", None),
    "image_url": ("image", "vision"),
    "input_audio": ("audio", "audio"),
    "audio_url": ("audio", "audio"),
    "video_url": ("video", "video"),
    "file": ("file", "file"),
}


def read(document: Document, headers: Headers = ()) -> Call:
    """A chat request as a call. `headers` passed the allow-list. Raises InvalidRequest."""
    values = document.values
    check_model(values)
    check_messages(values)
    check_counts(values, "max_tokens", "max_completion_tokens")
    if _PLAIN.issuperset(values):
        return Call("chat", document, False, False, headers)
    check_kinds(values, stream=bool, stream_options=dict, tools=list, response_format=dict)
    check_answered_here(values, "deferred")  # xAI's
    check_engines_caches(values)
    check_counts(values, "n")
    check_metadata(values)
    stream = values.get("stream") is True
    options = values.get("stream_options") or {}
    return Call("chat", document, stream, stream and options.get("include_usage") is True, headers)


def max_output_tokens(values: Mapping[str, Any]) -> int | None:
    """The most tokens the client lets the answer have; None where it set no limit."""
    limit: int | None = values.get("max_completion_tokens")
    return values.get("max_tokens") if limit is None else limit


def modality(values: Mapping[str, Any]) -> frozenset[str]:
    """What the model must read: text, image, audio, video, file, or a part's type that Weir does not know."""
    parts = _parts(values)
    return _TEXT.union([_MODALITIES.get(part, (part, part))[0] for part in parts]) if parts else _TEXT


def needs(values: Mapping[str, Any]) -> frozenset[str]:
    """The capabilities a model must have: tools, json_schema, json_object, reasoning, logprobs, n (several
    answers), vision, audio, video, file."""
    parts = _parts(values)
    if not parts and _PLAIN.issuperset(values):
        return _NOTHING
    read = (_MODALITIES.get(part, (part, part))[1] for part in parts)
    return frozenset((*_options_needed(values), *(need for need in read if need)))


def outgoing_body(call: Call, model: str, further: Mapping[str, str | None] = NOTHING_FURTHER) -> Body:
    """The request for a backend that speaks chat: the application's bytes, but for the model's name, Weir's
    own metadata keys, a request for the usage where the answer is streamed, and `further` changes."""
    values = call.document.values
    changes = own_changes(values, model)
    if call.stream and not call.wants_usage:
        options = dict(values.get("stream_options") or {})
        options.pop(
            "continuous_usage_stats", None
        )  # without effect until the usage is asked for, as Weir does here
        changes["stream_options"] = json.dumps({**options, "include_usage": True})
    if further:
        changes.update(further)
    return call.document.rewritten(changes)


def _options_needed(values: Mapping[str, Any]) -> Iterator[str]:
    if values.get("tools") or values.get("functions"):
        yield "tools"
    response_format = (values.get("response_format") or {}).get("type")
    if response_format in ("json_schema", "json_object"):
        yield response_format
    if values.get("logprobs") or values.get("top_logprobs"):
        yield "logprobs"
    if (values.get("n") or 1) > 1:
        yield "n"
    if values.get("audio") or "audio" in (values.get("modalities") or ()):
        yield "audio"
    if values.get("reasoning_effort") not in (None, "none"):
        yield "reasoning"


def _parts(values: Mapping[str, Any]) -> list[str]:
    """The types of all content parts; one that names none counts as text."""
    found: list[str] = []
    for i, message in enumerate(values["messages"]):
        if i & OFTEN == OFTEN:
            others()
        content = message.get("content")
        if isinstance(content, list):
            for part in content:
                kind = part.get("type", "text") if isinstance(part, dict) else "text"
                found.append(kind if isinstance(kind, str) else "unknown")
    return found
