"""OpenAI's `usage` object and Weir's disjoint token classes, both ways."""

from typing import Any

from adapters.chat import UNKNOWN_USAGE, TokenUsage, counted, served_tier


def read_usage(usage: object, tier: object = None) -> TokenUsage:
    """The token classes of a `usage` object; `source` stays unknown if it is none.

    `prompt_tokens` counts cached, newly cached and audio tokens too, `completion_tokens` reasoning and audio:
    each class is taken out, so that none is counted twice. What `total_tokens` counts beyond both is thinking that
    the provider counts beside its answer (Gemini, xAI). `tier` is the answer's `service_tier`.
    """
    if not isinstance(usage, dict) or not ("prompt_tokens" in usage or "completion_tokens" in usage):
        return UNKNOWN_USAGE
    prompt, completion = counted(usage.get("prompt_tokens")), counted(usage.get("completion_tokens"))
    beside = counted(usage.get("total_tokens")) - prompt - completion
    beside = beside if beside > 0 else 0
    read, wrote = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    beside_details = "prompt_cache_hit_tokens" in usage or "cached_tokens" in usage
    if not (beside_details or _tells(read) or _tells(wrote)):
        return TokenUsage(prompt, 0, 0, completion, beside, 0, 0, "reported", served_tier(tier))
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


def _tells(details: object) -> bool:
    """Whether a count is told apart, and not all that is told is nothing."""
    return isinstance(details, dict) and any(details.values())


def _count(counts: Any, key: str) -> int:
    """A token count, 0 where it is missing or no count."""
    return counted(counts.get(key)) if isinstance(counts, dict) else 0
