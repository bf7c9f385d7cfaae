"""The page reader against prometheus-client's own parser, on recorded pages and on made-up ones."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from gateway.fleet.engines.page import boot, engines, series

RECORDED = Path(__file__).resolve().parents[5].parent / "shared" / "vllm" / "recorded"

PAGE = b"""# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="m",engine="1"} 2.0
vllm:num_requests_running{engine="0",model_name="m"} 3
vllm:num_requests_waiting{engine="0",model_name="m"} 1.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="m",reason="capacity"} 7.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 2.5e-01
vllm:engine_sleep_state{engine="0",sleep_state="awake"} 1.0
vllm:engine_sleep_state{engine="1",sleep_state="awake"} 0.0
vllm:engine_sleep_state{engine="1",sleep_state="discard_all"} 1.0
vllm:iteration_tokens_total_bucket{engine="0",le="1.0",model_name="m"} 9.0
vllm:iteration_tokens_total_count{engine="0",model_name="m"} 100.0
vllm:iteration_tokens_total_sum{engine="0",model_name="m"} 1.5e+03
vllm:generation_tokens_total{engine="0",model_name="m"} 400.0
vllm:num_preemptions_total{engine="0",model_name="m"} 3.0
vllm:num_preemptions_created{engine="0",model_name="m"} 1.79e+09
vllm:generation_tokens_created{engine="0",model_name="m"} 1.79e+09
vllm:prompt_tokens_total{engine="0",model_name="m"} 2000.0 1795218300000
vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="1000"} 1.0
process_start_time_seconds 1.79521815951e+09"""


def recorded_pages() -> list[Path]:
    return sorted(RECORDED.glob("*metrics*.txt"))


def by_oracle(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    return [
        (dict(sample.labels), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and math.isfinite(sample.value)
    ]


def as_text(labels: dict[bytes, bytes]) -> dict[str, str]:
    def plain(value: bytes) -> str:
        return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), value.decode())

    return {key.decode(): plain(value) for key, value in labels.items()}


def test_each_engine_of_a_page_is_read():
    first, second = engines(PAGE)
    assert (first.engine, first.running, first.waiting, first.kv_usage) == ("0", 3, 1, 0.25)
    assert (first.steps, first.generated, first.computed, first.prompts) == (100, 400, 1100, 2000)
    assert first.kv_capacity == 16_000
    assert (second.engine, second.running, second.steps) == ("1", 2, None)
    assert (first.preempted, second.preempted) == (3, 0)
    assert not first.asleep
    assert second.asleep
    assert boot(PAGE) == 1795218159.51


def test_older_vllm_names_its_cache_otherwise_and_counts_no_steps():
    page = (
        b'vllm:gpu_cache_usage_perc{model_name="m"} 0.5\n'
        b'vllm:prompt_tokens_total{model_name="m"} 100\n'
        b'vllm:gpu_prefix_cache_hits_total{model_name="m"} 30\n'
        b'vllm:generation_tokens_total{model_name="m"} 7\n'
    )
    (engine,) = engines(page)
    assert (engine.kv_usage, engine.computed, engine.generated, engine.steps) == (0.5, 70, 7, None)


@pytest.mark.parametrize(
    "page",
    [b"", b"\n", b"not metrics", b"vllm:num_requests_running", b"vllm:num_requests_running{", b"\x00\xff"],
)
def test_what_is_no_page_has_no_engines(page):
    assert engines(page) == ()


def test_a_value_that_is_no_number_is_left_out():
    (engine,) = engines(
        b"vllm:num_requests_running NaN\nvllm:num_requests_waiting +Inf\nvllm:prompt_tokens_total 3\n"
    )
    assert (engine.running, engine.waiting, engine.prompts) == (0, 0, 3)


@pytest.mark.skipif(not recorded_pages(), reason="the recorded vLLM pages (shared/vllm/recorded) are missing")
def test_recorded_pages_are_read_as_prometheus_reads_them():
    for path in recorded_pages():
        body = path.read_bytes()
        page = body[body.find(b"# HELP") :]
        (engine,) = engines(body)
        for name, value in {
            "vllm:num_requests_running": engine.running,
            "vllm:kv_cache_usage_perc": engine.kv_usage,
            "vllm:iteration_tokens_total_count": engine.steps,
            "vllm:generation_tokens_total": engine.generated,
            "vllm:prompt_tokens_total": engine.prompts,
            "vllm:time_to_first_token_seconds_count": engine.started,
        }.items():
            assert [v for _, v in by_oracle(page.decode(), name)] == [value], (path.name, name)
        assert engine.kv_capacity == 1_048_576


label_values = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12) | st.sampled_from(
    ['a,engine="9"', "}", "{", ' "', "\\", "\\n", "x\ny", ",engine=", "engine"]
)
labels = st.dictionaries(
    st.sampled_from(["engine", "model_name", "le", "reason", "not_engine"]), label_values, max_size=4
)
values = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-5, 10**15)
names = st.sampled_from(
    [
        "vllm:num_requests_running",
        "vllm:num_requests_running_total",
        "num_requests_running",
        "vllm:num_requests",
    ]
)


def line(name: str, labels: dict[str, str], value: float, timestamp: int | None) -> str:
    escaped = {k: v.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for k, v in labels.items()}
    inside = ",".join(f'{key}="{value}"' for key, value in escaped.items())
    written = {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN" if value != value else repr(value))
    return f"{name}{{{inside}}} {written}" + ("" if timestamp is None else f" {timestamp}")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(names, labels, values, st.none() | st.integers(0, 10**12)), max_size=12))
def test_any_page_is_read_as_prometheus_reads_it(samples):
    text = "".join(line(*sample) + "\n" for sample in samples)
    ours = [(as_text(found), value) for found, value in series(text.encode(), b"vllm:num_requests_running")]
    assert ours == by_oracle(text, "vllm:num_requests_running")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(PAGE)), st.integers(0, 60))
def test_no_damaged_page_breaks_the_reader(noise, at, cut):
    engines(PAGE[:at] + noise + PAGE[at + cut :])
