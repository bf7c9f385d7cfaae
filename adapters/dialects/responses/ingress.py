"""What Weir must know of a responses request, and what it changes in one before it goes on.

Only what the gateway acts upon is checked; the rest is the provider's to judge, in its own words.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from adapters.call import Call, Headers
from adapters.chat import Json
from adapters.dialects.checks import (
    InvalidRequest,
    check_counts,
    check_engines_caches,
    check_kinds,
    check_metadata,
    check_model,
    own_changes,
    wrong_type,
)
from adapters.dialects.encoding import to_text
from adapters.dialects.responses.offered import brings_tools
from adapters.document import Body, Document

PLACE_OF_PROMPTS: Final = "prompts"  # the alias or model that a stored prompt goes to where no model is named
_INSTEAD_OF_INPUT: Final = ("previous_response_id", "conversation", "prompt")
_MODALITIES: Final = {  # part type → (what the model must read, the capability it needs for that)
    "text": ("text", None),
    "input_text": ("text", None),
    "output_text": ("text", None),
    "summary_text": ("text", None),
    "refusal": ("text", None),
    "input_image": ("image", "vision"),
    "computer_screenshot": ("image", "vision"),
    "input_audio": ("audio", "audio"),
    "input_file": ("file", "file"),
}


def read(document: Document, headers: Headers = ()) -> Call:
    """A responses request as a call. `headers` passed the allow-list. Raises InvalidRequest."""
    values = document.values
    if not (values.get("model") is None and values.get("prompt")):  # a stored prompt may name it
        check_model(values)
    _check_options(values)
    _check_input(values)
    check_metadata(values)
    return Call(
        "responses",
        document,
        values.get("stream") is True,
        wants_usage=True,
        headers=headers,
        background=values.get("background") is True,
    )


def max_output_tokens(values: Mapping[str, Any]) -> int | None:
    """The most tokens the client lets the answer have; None where it set no limit."""
    limit: int | None = values.get("max_output_tokens")
    return limit


def modality(values: Mapping[str, Any]) -> frozenset[str]:
    """What the model must read: text, image, audio, file, or a part's type that Weir does not know."""
    return frozenset({"text", *(_MODALITIES.get(part, (part, part))[0] for part in _parts(values))})


def needs(values: Mapping[str, Any]) -> frozenset[str]:
    """The capabilities a model must have: tools, json_schema, json_object, reasoning, logprobs, vision, audio, file."""
    parts = (_MODALITIES.get(part, (part, part))[1] for part in _parts(values))
    return frozenset((*_options_needed(values), *(need for need in parts if need)))


def outgoing_body(call: Call, model: str, keeps: Callable[[Json], bool]) -> Body:
    """The request for a backend that speaks responses: the application's bytes, but for the model's name, Weir's own
    metadata keys, and reasoning that the backend cannot open (`keeps` says which it can)."""
    values = call.document.values
    changes = own_changes(values, model)
    items = values.get("input")
    if isinstance(items, list):
        kept = [item for item in items if item.get("type") != "reasoning" or keeps(item)]
        if len(kept) < len(items):
            changes["input"] = to_text(kept)
    return call.document.rewritten(changes)


def _check_options(values: Mapping[str, Any]) -> None:
    check_kinds(values, stream=bool, background=bool, store=bool, tools=list, include=list)
    check_kinds(values, text=dict, reasoning=dict, prompt=dict, previous_response_id=str)
    _check_background(values)
    check_engines_caches(values)
    check_counts(values, "max_output_tokens")
    for i, tool in enumerate(values.get("tools") or ()):
        if not isinstance(tool, dict):
            raise wrong_type(f"tools[{i}]", "an object", tool)


def _check_background(values: Mapping[str, Any]) -> None:
    """What works in the background is asked about by its id: by Weir, which books it, too."""
    if values.get("background") and values.get("store") is False:
        raise InvalidRequest(
            "'background' needs a response that is stored: leave 'store' out, or stream an answer that takes long.",
            "background",
            "unsupported_parameter",
        )


def _check_input(values: Mapping[str, Any]) -> None:
    items = values.get("input")
    if items is None:
        if any(values.get(key) for key in _INSTEAD_OF_INPUT):
            return
        raise InvalidRequest("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    if isinstance(items, str):
        return
    if not isinstance(items, list):
        raise wrong_type("input", "a string or an array of objects", items)
    for i, item in enumerate(items):
        if not isinstance(item, dict):
            raise wrong_type(f"input[{i}]", "an object", item)
        content = item.get("content")
        if not isinstance(content, str | list | None):
            raise wrong_type(f"input[{i}].content", "a string or an array of objects", content)
        for j, part in enumerate(content if isinstance(content, list) else ()):
            if not isinstance(part, dict):
                raise wrong_type(f"input[{i}].content[{j}]", "an object", part)


def _options_needed(values: Mapping[str, Any]) -> Iterator[str]:
    if brings_tools(values):
        yield "tools"
    asked = (values.get("text") or {}).get("format")
    kind = asked.get("type") if isinstance(asked, dict) else None
    if kind in ("json_schema", "json_object"):
        yield kind
    if values.get("top_logprobs") or "message.output_text.logprobs" in (values.get("include") or ()):
        yield "logprobs"
    if (values.get("reasoning") or {}).get("effort") not in (None, "none"):
        yield "reasoning"


def _parts(values: Mapping[str, Any]) -> Iterator[str]:
    """The types of all content parts, in messages and in tools' results; one that names none counts as text."""
    items = values.get("input")
    variables = (values.get("prompt") or {}).get("variables")
    held = list(variables.values()) if isinstance(variables, dict) else []
    for item in items if isinstance(items, list) else ():
        if item.get("type") == "reasoning":
            continue
        for content in (item.get("content"), item.get("output")):
            held.extend(content if isinstance(content, list) else [content])
    for part in held:
        if isinstance(part, dict):
            kind = part.get("type", "text")
            yield kind if isinstance(kind, str) else "unknown"
