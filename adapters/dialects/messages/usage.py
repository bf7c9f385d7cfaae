"""Anthropic's `usage` object and Weir's disjoint token classes, both ways."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from adapters.chat import Json, TokenUsage, counted, served_tier


def merge(earlier: Json, later: object) -> Json:
    """`message_delta` counts from the start of the message, so its figures stand in for those of `message_start`."""
    if not isinstance(later, dict):
        return earlier
    return earlier | {key: value for key, value in later.items() if value is not None}


def read_usage(usage: Json) -> TokenUsage:
    """The token classes of a `usage` object, as the client is told them. `input_tokens` excludes what was cached."""
    output = _count(usage, "output_tokens")
    thought = min(_count(usage.get("output_tokens_details"), "thinking_tokens"), output)
    return TokenUsage(
        input=_count(usage, "input_tokens"),
        cache_read=_count(usage, "cache_read_input_tokens"),
        cache_write=_count(usage, "cache_creation_input_tokens"),
        output=output - thought,
        reasoning=thought,
        source="reported" if "output_tokens" in usage else "unknown",
        tier=served_tier(usage.get("service_tier")),
    )


def booked_usage(usage: Json) -> TokenUsage:
    """The same with what Anthropic bills beside it: the totals leave out the compaction of a long conversation,
    which the same model did. An advisor is another model and is not in here."""
    total = read_usage(usage)
    for part in _compactions(usage):
        total = replace(
            total,
            input=total.input + part.input,
            cache_read=total.cache_read + part.cache_read,
            cache_write=total.cache_write + part.cache_write,
            output=total.output + part.output,
            reasoning=total.reasoning + part.reasoning,
        )
    return total


def write_usage(usage: TokenUsage) -> Json:
    """The `usage` object a messages client reads."""
    return {
        "input_tokens": usage.input + usage.audio_in,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.generated,
    }


def _compactions(usage: Json) -> Iterator[TokenUsage]:
    iterations = usage.get("iterations")
    for part in iterations if isinstance(iterations, list) else ():
        if isinstance(part, dict) and part.get("type") == "compaction":
            yield read_usage(part)


def _count(counts: Any, key: str) -> int:
    """A token count, 0 where it is missing or no count."""
    return counted(counts.get(key)) if isinstance(counts, dict) else 0
