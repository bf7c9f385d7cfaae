"""Reads the few series Weir needs from a vLLM metrics page without parsing the other 70 KB."""

from collections.abc import Iterator
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
}
_CAPACITY: Final = b"vllm:cache_config_info"
_BOOT: Final = b"process_start_time_seconds"


def engines(page: bytes) -> tuple[EngineReading, ...]:
    """The page's engines by label, figures summed over their models. Unreadable lines are left out."""
    found: dict[str, dict[str, float]] = {}
    for name, field in _SERIES.items():
        for labels, value in series(page, name):
            if field == "sleep" and b'"awake"' not in labels:
                continue
            figures = found.setdefault(_label(labels, b"engine"), {})
            figures[field] = figures.get(field, 0.0) + value
    for labels, _ in series(page, _CAPACITY):
        found.setdefault(_label(labels, b"engine"), {})["kv_capacity"] = _capacity(labels)
    return tuple(_engine(name, found[name]) for name in sorted(found))


def boot(page: bytes) -> float:
    """When the process behind the page started (s since the epoch), 0 where it does not say."""
    return next((value for _, value in series(page, _BOOT)), 0.0)


def series(page: bytes, name: bytes) -> Iterator[tuple[bytes, float]]:
    """(labels as written, value) of each sample of one series, and of none that only begins like it."""
    at = 0 if page.startswith(name) else page.find(b"\n" + name) + 1
    while at or page.startswith(name):
        end = page.find(b"\n", at)
        line = page[at : end if end >= 0 else len(page)]
        sample = _sample(line, len(name))
        if sample:
            yield sample
        at = page.find(b"\n" + name, at) + 1
        if not at:
            return


def _sample(line: bytes, name: int) -> tuple[bytes, float] | None:
    rest, labels = line[name:], b""
    if rest[:1] == b"{":
        close = _closing(rest)
        if close < 0:
            return None
        labels, rest = rest[1:close], rest[close + 1 :]
    elif rest[:1] not in (b" ", b"\t"):
        return None
    words = rest.split()
    try:
        value = float(words[0])
    except (IndexError, ValueError):
        return None
    return (labels, value) if value == value and abs(value) != float("inf") else None


def _closing(labels: bytes) -> int:
    """Where the label set ends: the first brace outside quotes."""
    at = labels.find(b"}")
    if labels.count(b'"', 0, at) % 2 == 0 and b"\\" not in labels[:at]:
        return at
    quoted = escaped = False
    for index, byte in enumerate(labels):
        if escaped:
            escaped = False
        elif byte == 0x5C and quoted:
            escaped = True
        elif byte == 0x22:
            quoted = not quoted
        elif byte == 0x7D and not quoted:
            return index
    return -1


def _label(labels: bytes, name: bytes) -> str:
    """A label's value; engines and sizes hold no escapes."""
    begin = 0 if labels.startswith(name + b'="') else labels.find(b"," + name + b'="') + 1
    if not begin and not labels.startswith(name + b'="'):
        return ""
    begin += len(name) + 2
    return labels[begin : labels.find(b'"', begin)].decode("utf-8", "replace")


def _capacity(labels: bytes) -> float:
    """Tokens the KV cache holds."""
    said = _digits(labels, b"kv_cache_size_tokens")
    return said or _digits(labels, b"num_gpu_blocks") * _digits(labels, b"block_size")


def _digits(labels: bytes, name: bytes) -> float:
    value = _label(labels, name)
    return float(value) if value.isdecimal() else 0.0


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
    )
