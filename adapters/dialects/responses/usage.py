"""The `usage` object of responses and Weir's disjoint token classes, both ways."""

from typing import Any

from adapters.chat import Json, TokenUsage, counted, served_tier


def read_usage(usage: object, tier: object = None) -> TokenUsage:
    """The token classes of a `usage` object; `source` stays unknown if it is none. `input_tokens` counts cached and
    newly cached tokens too, `output_tokens` reasoning: each class is taken out, so that none is counted twice.
    `tier` is the answer's `service_tier`."""
    if not isinstance(usage, dict) or not ("input_tokens" in usage or "output_tokens" in usage):
        return TokenUsage()
    prompt, generated = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    read = usage.get("input_tokens_details")
    cache_read = min(_count(read, "cached_tokens"), prompt)
    cache_write = min(_count(read, "cache_write_tokens"), prompt - cache_read)
    reasoning = min(_count(usage.get("output_tokens_details"), "reasoning_tokens"), generated)
    return TokenUsage(
        input=prompt - cache_read - cache_write,
        cache_read=cache_read,
        cache_write=cache_write,
        output=generated - reasoning,
        reasoning=reasoning,
        source="reported",
        tier=served_tier(tier),
    )


def write_usage(usage: TokenUsage) -> Json | None:
    """The `usage` object a responses client reads; None where the provider reported none."""
    if usage.source == "unknown":
        return None
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.generated,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.generated,
    }


def _count(counts: Any, key: str) -> int:
    """A token count, 0 where it is missing or no count."""
    return counted(counts.get(key)) if isinstance(counts, dict) else 0
