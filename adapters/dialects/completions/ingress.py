"""What Weir must know of a completions request. What is not checked here is the provider's to judge."""

from collections.abc import Mapping
from typing import Any, Final

from adapters.call import Call, Headers
from adapters.dialects.checks import (
    InvalidRequest,
    check_counts,
    check_engines_caches,
    check_kinds,
    check_metadata,
    check_model,
)
from adapters.document import Document

_USUAL_LIMIT: Final = 16  # tokens: the default of OpenAI and vLLM alike


def read(document: Document, headers: Headers = ()) -> Call:
    """A completions request as a call. `headers` passed the allow-list. Raises InvalidRequest."""
    values = document.values
    check_model(values)
    prompt = values.get("prompt")
    if not isinstance(prompt, str | list | None):
        raise InvalidRequest(
            "Invalid type for 'prompt': expected a string, an array of strings, or token ids.",
            "prompt",
            "invalid_type",
        )
    check_kinds(values, stream=bool, stream_options=dict)
    check_counts(values, "n", "best_of")
    check_engines_caches(values)
    check_counts(values, "max_tokens", least=0)  # with `echo`, 0 asks for the prompt's own probabilities
    check_metadata(values)
    stream = values.get("stream") is True
    options = values.get("stream_options") or {}
    return Call("completions", document, stream, stream and options.get("include_usage") is True, headers)


def max_output_tokens(values: Mapping[str, Any]) -> int | None:
    """The most tokens one continuation may have."""
    limit: int | None = values.get("max_tokens")
    return _USUAL_LIMIT if limit is None else limit


def needs(values: Mapping[str, Any]) -> frozenset[str]:
    """Models that only chat refuse a bare prompt; `logprobs` and `n` are for the adapters to judge."""
    wanted = {"completions"}
    if isinstance(values.get("response_format"), dict):  # vLLM's addition
        wanted.add("json_schema")
    return frozenset(wanted)


def answers(values: Mapping[str, Any]) -> int:
    """How many continuations the answer will hold."""
    prompt = values.get("prompt")
    several = isinstance(prompt, list) and bool(prompt) and not isinstance(prompt[0], int)
    return (len(prompt) if several and isinstance(prompt, list) else 1) * (values.get("n") or 1)
