"""OpenAI's `usage` object and Weir's disjoint token classes, both ways."""

from typing import Any, Final

from adapters.chat import UNKNOWN_USAGE, TokenUsage, served_tier

_CACHED: Final = frozenset({"prompt_cache_hit_tokens", "cached_tokens"})  # beside the details


def read_usage(usage: object, tier: object = None) -> TokenUsage:
    """The token classes of a `usage` object; `source` stays unknown if it is none.

    `prompt_tokens` counts cached, newly cached and audio tokens too, `completion_tokens` reasoning and audio:
    each class is taken out, so that none is counted twice. What `total_tokens` counts beyond both is thinking that
    the provider counts beside its answer (Gemini, xAI). `tier` is the answer's `service_tier`.
    """
    if not isinstance(usage, dict) or not ("prompt_tokens" in usage or "completion_tokens" in usage):
        return UNKNOWN_USAGE
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    beside = max(_count(usage, "total_tokens") - prompt - completion, 0)
    read = _details(usage, "prompt_tokens_details")
    wrote = _details(usage, "completion_tokens_details")
    if not (read or wrote) and _CACHED.isdisjoint(usage):  # nothing is told apart
        return TokenUsage(
            prompt, output=completion, reasoning=beside, source="reported", tier=served_tier(tier)
        )
    cached = (
        _count(read, "cached_tokens")
        or _count(usage, "prompt_cache_hit_tokens")
        or _count(usage, "cached_tokens")
    )
    cache_read = min(cached, prompt)
    written = _count(read, "cache_write_tokens") or _count(
        read, "created_cache_tokens"
    )  # OpenAI's name, vLLM's
    cache_write = min(written, prompt - cache_read)
    audio_in = min(_count(read, "audio_tokens"), prompt - cache_read - cache_write)
    reasoning = 0 if beside else min(_count(wrote, "reasoning_tokens"), completion)
    audio_out = min(_count(wrote, "audio_tokens"), completion - reasoning)
    return TokenUsage(
        input=prompt - cache_read - cache_write - audio_in,
        cache_read=cache_read,
        cache_write=cache_write,
        output=completion - reasoning - audio_out,
        reasoning=reasoning or beside,
        audio_in=audio_in,
        audio_out=audio_out,
        source="reported",
        tier=served_tier(tier),
    )


def write_usage(usage: TokenUsage) -> dict[str, Any]:
    """The `usage` object an OpenAI client reads."""
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.generated,
        "total_tokens": usage.prompt + usage.generated,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
            "audio_tokens": usage.audio_in,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": usage.audio_out},
    }


def _details(usage: dict[str, Any], key: str) -> dict[str, Any]:
    """What a count is made of; empty where nothing is told, and where all that is told is nothing."""
    details = usage.get(key)
    return details if isinstance(details, dict) and any(details.values()) else {}


def _count(counts: dict[str, Any], key: str) -> int:
    """A token count, 0 where it is missing or no count."""
    value = counts.get(key)
    return value if isinstance(value, int) and value > 0 else 0
