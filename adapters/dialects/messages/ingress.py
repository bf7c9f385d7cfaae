"""What Weir must know of a messages request. What is not checked here is the provider's to judge."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from adapters.call import Call, Headers
from adapters.dialects.checks import (
    check_counts,
    check_kinds,
    check_messages,
    check_metadata,
    check_model,
)
from adapters.document import Document
from adapters.others import OFTEN, others

_MODALITIES: Final = {"image": "image", "document": "file", "container_upload": "file"}
_NEEDS: Final = {"image": "vision", "document": "file", "container_upload": "file"}


def read(document: Document, headers: Headers = ()) -> Call:
    """A messages request as a call. `headers` passed the allow-list. Raises InvalidRequest."""
    values = document.values
    _check(values)
    check_counts(values, "max_tokens", least=0)  # with 0 a prompt is cached and nothing is said
    return Call("messages", document, values.get("stream") is True, wants_usage=True, headers=headers)


def read_count(document: Document, headers: Headers = ()) -> Call:
    """A request to count the tokens of a messages request. Raises InvalidRequest."""
    _check(document.values)
    return Call("count_tokens", document, stream=False, wants_usage=False, headers=headers)


def max_output_tokens(values: Mapping[str, Any]) -> int | None:
    """The most tokens the client lets the answer have."""
    limit: int | None = values.get("max_tokens")
    return limit


def modality(values: Mapping[str, Any]) -> frozenset[str]:
    """What the model must read: text, image, file."""
    return frozenset({"text", *(_MODALITIES[kind] for kind in _blocks(values) if kind in _MODALITIES)})


def needs(values: Mapping[str, Any]) -> frozenset[str]:
    """The capabilities a model must have: tools, json_schema, reasoning, vision, file. Thinking that the model
    may leave out (`adaptive`) is no need."""
    return frozenset(
        (*_options_needed(values), *(_NEEDS[kind] for kind in _blocks(values) if kind in _NEEDS))
    )


def _check(values: Mapping[str, Any]) -> None:
    check_model(values)
    check_messages(values)
    check_kinds(values, stream=bool, tools=list, thinking=dict, output_config=dict)
    check_metadata(values)


def _options_needed(values: Mapping[str, Any]) -> Iterator[str]:
    if values.get("tools"):
        yield "tools"
    if (values.get("output_config") or {}).get("format") or values.get("output_format"):
        yield "json_schema"
    if (values.get("thinking") or {}).get("type") == "enabled":
        yield "reasoning"


def _blocks(values: Mapping[str, Any]) -> Iterator[str]:
    """The types of all content blocks, those inside tools' results too; a document that is given as text is text."""
    for i, message in enumerate(values["messages"]):
        if i & OFTEN == OFTEN:
            others()
        content = message.get("content")
        for block in content if isinstance(content, list) else ():
            if isinstance(block, dict):
                yield _type(block)
                inner = block.get("content")
                for each in inner if isinstance(inner, list) else ():
                    if isinstance(each, dict):
                        yield _type(each)


def _type(block: Mapping[str, Any]) -> str:
    kind = str(block.get("type"))
    source = block.get("source") if kind == "document" else None
    return "text" if isinstance(source, dict) and source.get("type") == "text" else kind
