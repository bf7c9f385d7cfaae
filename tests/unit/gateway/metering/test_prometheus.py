"""The series say what happened, in a text that Prometheus reads."""

import asyncio
import shutil
import subprocess
from decimal import Decimal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from adapters.chat import TokenUsage
from gateway.metering.charges import Charge, unknown
from gateway.metering.prometheus import Metrics

USAGE = TokenUsage(input=100, cache_read=40, output=7, source="reported")


def busy() -> Metrics:
    """Metrics of a gateway that has done a little of everything."""
    metrics = Metrics(version="1.2.3", workflows=["invoices"], tenants=["acme"])
    hard = metrics.route("hard", "gpt-5", "openai")
    hard.spent(USAGE, Charge(Decimal("0.000000000125"), {"tokens": Decimal("0.000000000125")}, "list"))
    hard.spent(USAGE, unknown())
    hard.answered("ok", duration_ns=1_500_000_000, ttft_ns=90_000_000, overhead_ns=180_000)
    hard.answered("failed", duration_ns=10_000_000, ttft_ns=None, overhead_ns=180_000)
    metrics.gpu_use("easy", "llama", "dc", "gpu-a", "request").add(1_000_000_001, Decimal("0.000556"))
    metrics.labels.at("restricted").value += 1
    metrics.boundary_blocks.at("stays-home").value += 1
    metrics.passed_over.at("hard").value += 1
    metrics.attempts.at("gpu-a", "http://127.0.0.1:8000", "ok").value += 1
    metrics.up("gpu-a", "http://127.0.0.1:8000", True)
    metrics.inflight.value += 3
    metrics.inflight.value -= 1
    metrics.policy_reloads.at("refused").value += 1
    metrics.policy("abc")
    metrics.watch_ledger(lambda: 1.5, lambda: 2, lambda: True)
    return metrics


def samples(metrics):
    families = text_string_to_metric_families(metrics.render().decode())
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


ROUTE = (("model", "gpt-5"), ("route", "hard"), ("zone", "openai"))


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("weir_requests_total", (*ROUTE, ("outcome", "ok")), 1),
        ("weir_requests_total", (*ROUTE, ("outcome", "failed")), 1),
        ("weir_tokens_total", (*ROUTE, ("class", "input")), 200),
        ("weir_tokens_total", (*ROUTE, ("class", "cache_read")), 80),
        ("weir_tokens_total", (*ROUTE, ("class", "audio_in")), 0),
        ("weir_cost_usd_total", (*ROUTE, ("component", "tokens")), 1.25e-10),
        ("weir_unpriced_attempts_total", ROUTE, 1),
        ("weir_request_duration_seconds_count", ROUTE, 2),
        ("weir_request_duration_seconds_sum", ROUTE, 1.51),
        ("weir_request_duration_seconds_bucket", (*ROUTE, ("le", "1.0")), 1),
        ("weir_request_duration_seconds_bucket", (*ROUTE, ("le", "2.5")), 2),
        ("weir_request_duration_seconds_bucket", (*ROUTE, ("le", "+Inf")), 2),
        ("weir_time_to_first_token_seconds_count", ROUTE, 1),
        ("weir_overhead_seconds_bucket", (*ROUTE, ("le", "0.00025")), 2),
        ("weir_labels_total", (("level", "restricted"),), 1),
        ("weir_boundary_blocks_total", (("boundary", "stays-home"),), 1),
        ("weir_routes_passed_over_total", (("route", "hard"),), 1),
        ("weir_backend_up", (("backend", "gpu-a"), ("replica", "http://127.0.0.1:8000")), 1),
        ("weir_inflight", (), 2),
        ("weir_ledger_disk_full", (), 1),
        ("weir_policy_reloads_total", (("outcome", "refused"),), 1),
        ("weir_policy_info", (("policy", "abc"),), 1),
        ("weir_build_info", (("version", "1.2.3"),), 1),
        ("weir_ledger_lag_seconds", (), 1.5),
        ("weir_ledger_unbooked_records_total", (), 2),
    ],
)
def test_a_series_holds_what_was_recorded(name, labels, value):
    assert samples(busy())[(name, *sorted(labels))] == pytest.approx(value)


def test_gpu_time_and_money_are_shown_to_the_digit():
    text = busy().render().decode()
    assert (
        'weir_gpu_seconds_total{route="easy",model="llama",backend="gpu-a",use="request"} 1.000000001\n'
        in text
    )
    assert 'component="tokens"} 0.000000000125\n' in text


def test_a_correction_never_lets_a_counter_fall_and_comes_right_in_the_end():
    metrics = Metrics(version="1")

    def add(gpu_ns):
        usd = Decimal(gpu_ns).scaleb(-9).quantize(Decimal("1e-15"))
        metrics.gpu_use("r", "m", "z", "b", "foreign").add(gpu_ns, usd)
        text = metrics.render().decode().splitlines()
        return [
            line.split()[-1]
            for line in text
            if line.startswith(("weir_gpu_seconds_total", "weir_cost_usd_total"))
        ]

    assert add(5 * 10**9) == ["5.000000000000000", "5.000000000"]
    assert add(-2 * 10**9) == ["5.000000000000000", "5.000000000"]
    assert add(1 * 10**9) == ["5.000000000000000", "5.000000000"]
    assert add(3 * 10**9) == ["7.000000000000000", "7.000000000"]


def test_a_value_on_a_bucket_s_edge_counts_in_it():
    metrics = Metrics(version="1")
    metrics.route("r", "m", "z").answered("ok", duration_ns=50_000_000, ttft_ns=None, overhead_ns=0)
    found = samples(metrics)
    edge = (
        "weir_request_duration_seconds_bucket",
        ("le", "0.05"),
        ("model", "m"),
        ("route", "r"),
        ("zone", "z"),
    )
    assert found[edge] == 1


def test_names_not_allow_listed_are_other():
    metrics = Metrics(version="1", workflows=["invoices"], tenants=["acme"])
    assert [metrics.workflow(name) for name in ("invoices", "made-up", "")] == ["invoices", "other", "other"]
    assert [metrics.tenant(name) for name in ("acme", "made-up")] == ["acme", "other"]
    metrics.allow(workflows=["made-up"], tenants=[])
    assert metrics.workflow("made-up") == "made-up"
    assert metrics.tenant("acme") == "other"


def test_only_the_policy_in_force_is_shown():
    metrics = Metrics(version="1")
    metrics.policy("old")
    metrics.policy("new")
    assert [key for key in samples(metrics) if key[0] == "weir_policy_info"] == [
        ("weir_policy_info", ("policy", "new"))
    ]


def test_a_replica_no_longer_configured_leaves_no_series():
    metrics = Metrics(version="1")
    metrics.up("gpu-a", "http://a", False)
    assert samples(metrics)[("weir_backend_up", ("backend", "gpu-a"), ("replica", "http://a"))] == 0
    metrics.up("gpu-a", "http://a", None)
    assert not [key for key in samples(metrics) if key[0] == "weir_backend_up"]


def test_label_values_are_escaped():
    metrics = Metrics(version="1")
    odd = 'a"b\\c\nd'
    metrics.route(odd, "m", "z").spent(USAGE, unknown())
    assert ("weir_unpriced_attempts_total", ("model", "m"), ("route", odd), ("zone", "z")) in samples(metrics)


async def test_a_scrape_lets_others_run_between_its_slices():
    metrics = Metrics(version="1")
    for i in range(300):
        metrics.route(f"r{i}", "m", "z").answered("ok", duration_ns=1, ttft_ns=1, overhead_ns=1)
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    text = await metrics.scrape()
    task.cancel()
    assert text == metrics.render()
    assert turns > 20


def test_promtool_finds_nothing_to_mend():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package: prometheus)")
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=busy().render(), capture_output=True, timeout=30, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
