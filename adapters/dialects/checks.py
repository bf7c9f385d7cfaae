"""What Weir checks and changes in any request, whatever its dialect: the model's name and Weir's own metadata."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from adapters.others import OFTEN, others

OWN_METADATA: Final = ("action_id", "workflow", "conversation", "sensitivity")  # Weir's keys in `metadata`

_LONGEST_OWN_VALUE: Final = 512  # characters, OpenAI's own limit for a metadata value
_KINDS: Final = {str: "a string", bool: "a boolean", list: "an array", dict: "an object", int: "an integer",
                 float: "a number", type(None): "null"}  # fmt: skip


class InvalidRequest(ValueError):  # noqa: N818  # it names what the client sent
    """The request is at fault: HTTP 400, with the parts of an OpenAI error (`message`, `param`, `code`)."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message: Final = message
        self.param: Final = param
        self.code: Final = code


def check_model(values: Mapping[str, Any]) -> None:
    """Raise InvalidRequest unless a model is named."""
    model = values.get("model")
    if model is None or model == "":
        raise InvalidRequest("you must provide a model parameter")
    if not isinstance(model, str):
        raise wrong_type("model", "a string", model)


def check_present(values: Mapping[str, Any], key: str) -> Any:
    """A field that must be there. Raises InvalidRequest."""
    value = values.get(key)
    if value is None:
        raise InvalidRequest(f"Missing required parameter: '{key}'.", key, "missing_required_parameter")
    return value


def check_kinds(values: Mapping[str, Any], **kinds: type) -> None:
    """Raise InvalidRequest where a field is set to a value of another kind."""
    for key, kind in kinds.items():
        value = values.get(key)
        if value is not None and not isinstance(value, kind):
            raise wrong_type(key, _KINDS[kind], value)


def check_counts(values: Mapping[str, Any], *keys: str, least: int = 1) -> None:
    """Raise InvalidRequest where a field is set to anything but an integer of at least `least`."""
    for key in keys:
        value = values.get(key)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong_type(key, "an integer", value)
        if value < least:
            raise InvalidRequest(
                f"Invalid '{key}': integer below minimum value. Expected a value >= {least}, "
                f"but got {value} instead.",
                key,
                "integer_below_min_value",
            )


def check_answered_here(values: Mapping[str, Any], key: str) -> None:
    """Raise InvalidRequest where a request asks for an answer that is fetched later, by a call that Weir does not see:
    what it cost could not be booked."""
    if values.get(key):
        raise InvalidRequest(
            f"'{key}' is not served: Weir books what an answer cost as it passes through, and this one would be "
            f"fetched past it. Leave '{key}' out, and stream an answer that takes long.",
            key,
            "unsupported_parameter",
        )


def check_engines_caches(values: Mapping[str, Any]) -> None:
    """Raise InvalidRequest where a request points an engine at what it holds of others: blocks of its cache have
    numbers, and no owner."""
    if values.get("kv_transfer_params"):
        raise InvalidRequest(
            "'kv_transfer_params' is not served: it names what an engine holds of other requests. Leave it out.",
            "kv_transfer_params",
            "unsupported_parameter",
        )


def check_messages(values: Mapping[str, Any]) -> None:
    """Raise InvalidRequest unless `messages` is a list of objects whose content is text or a list of parts."""
    messages = check_present(values, "messages")
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
        if i & OFTEN == OFTEN:
            others()
        if not isinstance(message, dict):
            raise wrong_type(f"messages[{i}]", "an object", message)
        content = message.get("content")
        if content.__class__ is str:
            continue
        if not isinstance(content, str | list | None):
            raise wrong_type(f"messages[{i}].content", "a string or an array of objects", content)
        for j, part in enumerate(content if isinstance(content, list) else ()):
            if not isinstance(part, dict | str):  # vLLM takes bare strings too
                raise wrong_type(f"messages[{i}].content[{j}]", "an object", part)


def check_metadata(values: Mapping[str, Any]) -> None:
    """Raise InvalidRequest where Weir's own keys of `metadata` are no short strings."""
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
    """The complaint about a value of the wrong kind."""
    got = _KINDS.get(type(value), "something else")
    return InvalidRequest(
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.", param, "invalid_type"
    )


def own_metadata(values: Mapping[str, Any]) -> dict[str, str]:
    """Weir's own keys of `metadata`, those that are set: action_id, workflow, conversation, sensitivity."""
    metadata = values.get("metadata")
    if not metadata:
        return {}
    return {key: metadata[key] for key in OWN_METADATA if metadata.get(key)}


def own_changes(values: Mapping[str, Any], model: str) -> dict[str, str | None]:
    """What Weir changes in any request it passes on: the model's name, and its own metadata keys, which go."""
    changes: dict[str, str | None] = {"model": _quoted(model)}
    metadata = values.get("metadata")
    if isinstance(metadata, dict) and any(key in metadata for key in OWN_METADATA):
        kept = {key: value for key, value in metadata.items() if key not in OWN_METADATA}
        changes["metadata"] = json.dumps(kept) if kept else None
    return changes


@lru_cache(maxsize=256)
def _quoted(model: str) -> str:
    return json.dumps(model)
