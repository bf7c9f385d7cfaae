"""Reads the few series Weir needs from a vLLM metrics page without parsing the other 70 KB."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

from gateway.fleet.engines.reading import EngineReading

_SERIES: Final = {
    b"vllm:num_requests_running": "running",
    b"vllm:num_requests_waiting": "waiting",
    b"vllm:kv_cache_usage_perc": "kv_usage",
    b"vllm:gpu_cache_usage_perc": "kv_usage",  # its name before vLLM 0.10
    b"vllm:iteration_tokens_total_count": "steps",
    b"vllm:iteration_tokens_total_sum": "scheduled",
    b"vllm:generation_tokens_total": "generated",
    b"vllm:prompt_tokens_total": "prompts",
    b"vllm:prompt_tokens_cached_total": "cached",
    b"vllm:prefix_cache_hits_total": "hits",
    b"vllm:gpu_prefix_cache_hits_total": "hits",  # its name before vLLM 0.10
    b"vllm:time_to_first_token_seconds_count": "started",
    b"vllm:engine_sleep_state": "sleep",
    b"vllm:num_preemptions_total": "preempted",
}
_SAMPLE: Final = re.compile(rb'(?:\{((?:[^"}\n]|"(?:[^"\\\n]|\\.)*")*)\}[ \t]*|[ \t]+)([^\s#]+)')
_LABEL: Final = re.compile(rb'([a-zA-Z_]\w*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"')
_CAPACITY: Final = b"vllm:cache_config_info"
_BOOT: Final = b"process_start_time_seconds"


def engines(page: bytes) -> tuple[EngineReading, ...]:
    """The page's engines by label, figures summed over their models. Unreadable lines are left out."""
    found: dict[str, dict[str, float]] = {}
    for name, field in _SERIES.items():
        for labels, value in series(page, name):
            if field == "sleep" and labels.get(b"sleep_state") != b"awake":
                continue
            figures = found.setdefault(_engine_of(labels), {})
            figures[field] = figures.get(field, 0.0) + value
    for labels, _ in series(page, _CAPACITY):
        found.setdefault(_engine_of(labels), {})["kv_capacity"] = _capacity(labels)
    return tuple(_engine(name, found[name]) for name in sorted(found))


def boot(page: bytes) -> float:
    """When the process behind the page started (s since the epoch), 0 where it does not say."""
    return next((value for _, value in series(page, _BOOT)), 0.0)


def series(page: bytes, name: bytes) -> Iterator[tuple[dict[bytes, bytes], float]]:
    """(labels, value) of each sample of one series that is a number, and of no series that only begins like it.

    Label values are as written, escapes and all.
    """
    at = 0 if page.startswith(name) else page.find(b"\n" + name) + 1
    while at or page.startswith(name):
        found = _SAMPLE.match(page, at + len(name))
        if found:
            value = _number(found[2])
            if value is not None:
                yield dict(_LABEL.findall(found[1] or b"")), value
        at = page.find(b"\n" + name, at) + 1
        if not at:
            return


def _number(written: bytes) -> float | None:
    try:
        value = float(written)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _engine_of(labels: Mapping[bytes, bytes]) -> str:
    return labels.get(b"engine", b"").decode("utf-8", "replace")


def _capacity(labels: Mapping[bytes, bytes]) -> float:
    """Tokens the KV cache holds."""
    said = _digits(labels, b"kv_cache_size_tokens")
    return said or _digits(labels, b"num_gpu_blocks") * _digits(labels, b"block_size")


def _digits(labels: Mapping[bytes, bytes], name: bytes) -> float:
    value = labels.get(name, b"")
    return float(value) if value.isdigit() else 0.0


def _engine(name: str, figures: dict[str, float]) -> EngineReading:
    prompts, generated = figures.get("prompts", 0.0), figures.get("generated", 0.0)
    if "scheduled" in figures:
        computed = figures["scheduled"] - generated
    else:
        computed = prompts - figures.get("cached", figures.get("hits", 0.0))
    return EngineReading(
        engine=name,
        running=figures.get("running", 0.0),
        waiting=figures.get("waiting", 0.0),
        kv_usage=figures.get("kv_usage", 0.0),
        kv_capacity=figures.get("kv_capacity", 0.0),
        steps=figures.get("steps"),
        computed=computed,
        generated=generated,
        prompts=prompts,
        started=figures.get("started", 0.0),
        asleep=figures.get("sleep", 1.0) == 0.0,
        preempted=figures.get("preempted", 0.0),
    )
