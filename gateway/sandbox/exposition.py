"""The vLLM stand-in's `/metrics`: the series of a real engine, moved by the simulated one."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from gateway.sandbox.engine import BLOCK, Engine, Job

CONTENT_TYPE: Final = "text/plain; version=1.0.0; charset=utf-8"

_TOKENS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5)
_STEP: Final = (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
_FIRST: Final = (
    0.001,
    0.005,
    0.01,
    0.02,
    0.04,
    0.06,
    0.08,
    0.1,
    0.25,
    0.5,
    0.75,
    1,
    2.5,
    5,
    7.5,
    10,
    20,
    40,
    80,
    160,
)
_GAP: Final = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80)
_PHASE: Final = (0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680)

_COUNTERS: Final = {
    "vllm:prefix_cache_queries": "Prefix cache queries, in terms of number of queried tokens.",
    "vllm:prefix_cache_hits": "Prefix cache hits, in terms of number of cached tokens.",
    "vllm:num_preemptions": "Cumulative number of preemption from the engine.",
    "vllm:prompt_tokens": "Number of prefill tokens processed.",
    "vllm:prompt_tokens_cached": "Number of cached prompt tokens (local + external).",
    "vllm:generation_tokens": "Number of generation tokens processed.",
}
_HISTOGRAMS: Final = {
    "vllm:request_prompt_tokens": ("Number of prefill tokens processed.", _TOKENS),
    "vllm:request_generation_tokens": ("Number of generation tokens processed.", _TOKENS),
    "vllm:iteration_tokens_total": ("Histogram of number of tokens per engine_step.", _STEP),
    "vllm:time_to_first_token_seconds": ("Histogram of time to first token in seconds.", _FIRST),
    "vllm:inter_token_latency_seconds": ("Histogram of inter-token latency in seconds.", _GAP),
    "vllm:e2e_request_latency_seconds": ("Histogram of e2e request latency in seconds.", _PHASE),
    "vllm:request_queue_time_seconds": ("Histogram of time spent in WAITING phase for request.", _PHASE),
    "vllm:request_inference_time_seconds": ("Histogram of time spent in RUNNING phase for request.", _PHASE),
    "vllm:request_prefill_time_seconds": ("Histogram of time spent in PREFILL phase for request.", _PHASE),
    "vllm:request_decode_time_seconds": ("Histogram of time spent in DECODE phase for request.", _PHASE),
}
_SLEEP: Final = "Engine sleep state; awake = 0 means engine is sleeping; awake = 1 means engine is awake."


class EngineMetrics:
    """An engine's meter, and its text for Prometheus."""

    def __init__(self, model: str, *, max_model_len: int) -> None:
        """`model` is the served name that stands on every series."""
        self.registry: Final = CollectorRegistry()
        self._model = model
        self._max_model_len = max_model_len
        PlatformCollector(registry=self.registry)
        ProcessCollector(registry=self.registry)
        self._counters = {name: self._counter(name, text) for name, text in _COUNTERS.items()}
        self._histograms = {
            name: Histogram(
                name, text, ("engine", "model_name"), registry=self.registry, buckets=buckets
            ).labels("0", model)
            for name, (text, buckets) in _HISTOGRAMS.items()
        }
        sources = Counter(
            "vllm:prompt_tokens_by_source",
            "Number of prompt tokens by source.",
            ("engine", "model_name", "source"),
            registry=self.registry,
        )
        self._sources = {
            source: sources.labels("0", model, source)
            for source in ("local_compute", "local_cache_hit", "external_kv_transfer")
        }
        success = Counter(
            "vllm:request_success",
            "Count of successfully processed requests.",
            ("engine", "finished_reason", "model_name"),
            registry=self.registry,
        )
        reasons = ("stop", "length", "abort", "error", "repetition")
        self._success = {reason: success.labels("0", reason, model) for reason in reasons}

    def watch(self, engine: Engine) -> None:
        """Read the engine's gauges at every scrape."""
        self._gauge(
            "vllm:num_requests_running", "Number of requests in model execution batches."
        ).set_function(lambda: engine.running)
        self._gauge("vllm:num_requests_waiting", "Number of requests waiting to be processed.").set_function(
            lambda: engine.waiting
        )
        self._gauge("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.").set_function(
            lambda: engine.cache_usage
        )
        sleep = Gauge(
            "vllm:engine_sleep_state", _SLEEP, ("engine", "model_name", "sleep_state"), registry=self.registry
        )
        for state in ("awake", "weights_offloaded", "discard_all"):
            sleep.labels("0", self._model, state).set(state == "awake")
        facts = {
            "block_size": BLOCK,
            "cache_dtype": "auto",
            "enable_prefix_caching": True,
            "engine": 0,
            "gpu_memory_utilization": 0.92,
            "kv_cache_size_tokens": engine.capacity,
            "kv_cache_max_concurrency": round(engine.capacity / self._max_model_len, 2),
            "num_gpu_blocks": engine.capacity // BLOCK,
        }
        config = Gauge(
            "vllm:cache_config_info",
            "Information of the LLMEngine CacheConfig",
            tuple(facts),
            registry=self.registry,
        )
        config.labels(*facts.values()).set(1)

    def text(self) -> bytes:
        """The page as a scrape gets it."""
        return generate_latest(self.registry)

    # what the engine reports

    def stepped(self, *, computed: int, generated: int) -> None:
        """One engine step."""
        self._histograms["vllm:iteration_tokens_total"].observe(computed + generated)
        self._counters["vllm:generation_tokens"].inc(generated)

    def admitted(self, job: Job) -> None:
        """A job left the queue."""
        self._counters["vllm:prefix_cache_queries"].inc(len(job.prompt))
        self._counters["vllm:prefix_cache_hits"].inc(job.cached)

    def prefilled(self, job: Job) -> None:
        """A job's first token is there."""
        self._counters["vllm:prompt_tokens"].inc(len(job.prompt))
        self._counters["vllm:prompt_tokens_cached"].inc(job.cached)
        self._sources["local_compute"].inc(len(job.prompt) - job.cached)
        self._sources["local_cache_hit"].inc(job.cached)
        self._histograms["vllm:time_to_first_token_seconds"].observe(job.first_token - job.arrived)

    def decoded(self, job: Job, gap: float) -> None:  # noqa: ARG002  # the engine's meter hands over both
        """A further token."""
        self._histograms["vllm:inter_token_latency_seconds"].observe(gap)

    def finished(self, job: Job) -> None:
        """A job ended by itself."""
        self._success["length" if job.at_limit else "stop"].inc()
        observed = {
            "vllm:request_prompt_tokens": len(job.prompt),
            "vllm:request_generation_tokens": job.generated,
            "vllm:e2e_request_latency_seconds": job.last_token - job.arrived,
            "vllm:request_queue_time_seconds": job.scheduled - job.arrived,
            "vllm:request_inference_time_seconds": job.last_token - job.scheduled,
            "vllm:request_prefill_time_seconds": job.first_token - job.scheduled,
            "vllm:request_decode_time_seconds": job.last_token - job.first_token,
        }
        for name, value in observed.items():
            self._histograms[name].observe(value)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(name, text, ("engine", "model_name"), registry=self.registry).labels("0", self._model)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, ("engine", "model_name"), registry=self.registry).labels("0", self._model)
