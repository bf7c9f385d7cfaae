"""What Weir must know of a chat request, and what it changes in one before it goes on.

Only what the gateway acts upon is checked; the rest is the provider's to judge, in its own words.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from adapters.call import Call, Headers
from adapters.document import Document

OWN_METADATA: Final = ("action_id", "workflow", "conversation", "sensitivity")  # Weir's keys in `metadata`

_LONGEST_OWN_VALUE: Final = 512  # characters, OpenAI's own limit for a metadata value
_MODALITIES: Final = {  # part type → (what the model must read, the capability it needs for that)
    "text": ("text", None),
    "refusal": ("text", None),
    "image_url": ("image", "vision"),
    "input_audio": ("audio", "audio"),
    "audio_url": ("audio", "audio"),
    "video_url": ("video", "video"),
    "file": ("file", "file"),
}
_KINDS: Final = {str: "a string", bool: "a boolean", list: "an array", dict: "an object", int: "an integer",
                 float: "a number", type(None): "null"}  # fmt: skip


class InvalidRequest(ValueError):  # noqa: N818  # it names what the client sent
    """The request is at fault, in OpenAI's words: HTTP 400, `{"error": {message, type, param, code}}`."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message: Final = message
        self.param: Final = param
        self.code: Final = code


def read(document: Document, headers: Headers = ()) -> Call:
    """A chat request as a call. `headers` passed the allow-list. Raises InvalidRequest."""
    values = document.values
    check_model(values)
    _check_messages(values)
    _check_options(values)
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
    return frozenset({"text", *(_MODALITIES.get(part, (part, part))[0] for part in _parts(values))})


def needs(values: Mapping[str, Any]) -> frozenset[str]:
    """The capabilities a model must have: tools, json_schema, json_object, reasoning, logprobs, n (several
    answers), vision, audio, video, file."""
    parts = (_MODALITIES.get(part, (part, part))[1] for part in _parts(values))
    return frozenset((*_options_needed(values), *(need for need in parts if need)))


def own_metadata(values: Mapping[str, Any]) -> dict[str, str]:
    """Weir's own keys of `metadata`, those that are set: action_id, workflow, conversation, sensitivity."""
    metadata = values.get("metadata") or {}
    return {key: metadata[key] for key in OWN_METADATA if metadata.get(key)}


def own_changes(values: Mapping[str, Any], model: str) -> dict[str, str | None]:
    """What Weir changes in any request it passes on: the model's name, and its own metadata keys, which go."""
    changes: dict[str, str | None] = {"model": json.dumps(model)}
    metadata = values.get("metadata")
    if isinstance(metadata, dict) and any(key in metadata for key in OWN_METADATA):
        kept = {key: value for key, value in metadata.items() if key not in OWN_METADATA}
        changes["metadata"] = json.dumps(kept) if kept else None
    return changes


def outgoing_body(call: Call, model: str) -> bytes:
    """The request for a backend that speaks chat: the application's bytes, but for the model's name, Weir's
    own metadata keys, and a request for the usage where the answer is streamed."""
    values = call.document.values
    changes = own_changes(values, model)
    if call.stream and not call.wants_usage:
        options = dict(values.get("stream_options") or {})
        options.pop(
            "continuous_usage_stats", None
        )  # without effect until the usage is asked for, as Weir does here
        changes["stream_options"] = json.dumps({**options, "include_usage": True})
    return call.document.rewritten(changes)


def check_model(values: Mapping[str, Any]) -> None:
    """Every dialect names the model at the top. Raises InvalidRequest."""
    model = values.get("model")
    if model is None or model == "":
        raise InvalidRequest("you must provide a model parameter")
    if not isinstance(model, str):
        raise wrong_type("model", "a string", model)


def _check_messages(values: Mapping[str, Any]) -> None:
    messages = values.get("messages")
    if messages is None:
        raise InvalidRequest(
            "Missing required parameter: 'messages'.", "messages", "missing_required_parameter"
        )
    if not isinstance(messages, list):
        raise wrong_type("messages", "an array of objects", messages)
    if not messages:
        raise InvalidRequest(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
            "messages",
            "empty_array",
        )
    for i, message in enumerate(messages):
        if not isinstance(message, dict):
            raise wrong_type(f"messages[{i}]", "an object", message)
        content = message.get("content")
        if not isinstance(content, str | list | None):
            raise wrong_type(f"messages[{i}].content", "a string or an array of objects", content)
        for j, part in enumerate(content if isinstance(content, list) else ()):
            if not isinstance(part, dict | str):  # vLLM takes bare strings too
                raise wrong_type(f"messages[{i}].content[{j}]", "an object", part)


def _check_options(values: Mapping[str, Any]) -> None:
    for key, kind, name in (("stream", bool, "a boolean"), ("stream_options", dict, "an object"),
                            ("tools", list, "an array of objects"),
                            ("response_format", dict, "an object")):  # fmt: skip
        value = values.get(key)
        if value is not None and not isinstance(value, kind):
            raise wrong_type(key, name, value)
    for key in ("max_tokens", "max_completion_tokens", "n"):
        value = values.get(key)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong_type(key, "an integer", value)
        if value < 1:
            raise InvalidRequest(
                f"Invalid '{key}': integer below minimum value. Expected a value >= 1, "
                f"but got {value} instead.",
                key,
                "integer_below_min_value",
            )


def check_metadata(values: Mapping[str, Any]) -> None:
    """Weir's own keys must be short strings. Raises InvalidRequest."""
    metadata = values.get("metadata")
    if metadata is None:
        return
    if not isinstance(metadata, dict):
        raise wrong_type("metadata", "an object", metadata)
    for key in OWN_METADATA:
        value = metadata.get(key)
        if value is None:
            continue
        if not isinstance(value, str):
            raise wrong_type(f"metadata.{key}", "a string", value)
        if len(value) > _LONGEST_OWN_VALUE:
            raise InvalidRequest(
                f"Invalid 'metadata.{key}': string too long. Expected a string with maximum length "
                f"{_LONGEST_OWN_VALUE}, but got a string with length {len(value)} instead.",
                f"metadata.{key}",
                "string_above_max_length",
            )


def wrong_type(param: str, expected: str, value: Any) -> InvalidRequest:
    """A value of another kind than `expected` (as "an array"), in OpenAI's words."""
    got = _KINDS.get(type(value), "something else")
    return InvalidRequest(
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.", param, "invalid_type"
    )


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


def _parts(values: Mapping[str, Any]) -> Iterator[str]:
    """The types of all content parts; one that names none counts as text."""
    for message in values["messages"]:
        content = message.get("content")
        if isinstance(content, list):
            for part in content:
                kind = part.get("type", "text") if isinstance(part, dict) else "text"
                yield kind if isinstance(kind, str) else "unknown"
