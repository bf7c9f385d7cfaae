"""Traces and metrics by OTLP, from a whole Weir to a stand-in collector that decodes them as a real one does."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from gateway.configuration.loading import load
from gateway.configuration.problems import ConfigurationErrors
from tests.integration.collectors import StandInCollector, collecting, told
from tests.integration.sandboxed import HELLO, POLICY, SECRET, Sandboxed
from tests.integration.waiting import until

CLIENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTLP = """
telemetry:
  otlp:
    {endpoint: "%s", zone: home, every: 200ms, timeout: 20s, most_waiting: 100, headers: {x-key: "${COLLECTOR_KEY}"}}
"""


class Told(Sandboxed):
    """A Weir that tells a collector."""

    def __init__(self, folder: Path, collector: str) -> None:
        super().__init__(folder, POLICY + OTLP % collector)

    def before_start(self) -> None:
        super().before_start()
        self.environ["COLLECTOR_KEY"] = "k-1"


@pytest.fixture
def collector() -> Iterator[StandInCollector]:
    with collecting() as kept:
        yield kept


@pytest.fixture
def weir(tmp_path: Path, collector: StandInCollector) -> Iterator[Told]:
    running = Told(tmp_path, collector.url)
    yield running
    running.stop()


def spans_of(collector: StandInCollector, request: str, count: int) -> list[Span]:
    """The request's span, then those of its attempts."""

    def found() -> list[Span]:
        root = [span for span in collector.spans if told(span).get("weir.request.id") == request]
        return [*root, *(span for span in collector.spans if root and span.parent_span_id == root[0].span_id)]

    until(lambda: len(found()) >= count)
    return found()


def asked(weir: Told, **more: str) -> tuple[str, bytes]:
    """One streamed request to `gpt`, with these headers; its id, and its answer."""
    body = {"model": "gpt", "messages": HELLO, "stream": True, "max_tokens": 40}
    status, headers, data = weir.post(body, **more)
    assert status == 200
    return headers["x-weir-request-id"], data


def test_a_request_continues_the_clients_trace_and_its_provider_that(
    weir: Told, collector: StandInCollector
) -> None:
    name, _ = asked(weir, traceparent=CLIENT, x_weir_action="a-1")
    root, attempt = spans_of(collector, name, 2)
    assert root.trace_id.hex() == attempt.trace_id.hex() == CLIENT[3:35]
    assert root.parent_span_id.hex() == CLIENT[36:52]
    sent = weir.sandbox.openai.received[-1].headers["traceparent"]
    assert sent == f"00-{root.trace_id.hex()}-{attempt.span_id.hex()}-01"
    assert root.kind == Span.SPAN_KIND_SERVER
    assert attempt.kind == Span.SPAN_KIND_CLIENT
    assert root.start_time_unix_nano <= attempt.start_time_unix_nano < attempt.end_time_unix_nano
    assert collector.headers[0]["x-key"] == "k-1"
    assert collector.resource["service.name"] == "weir"


def test_a_span_tells_what_is_booked(weir: Told, collector: StandInCollector) -> None:
    name, _ = asked(weir, x_weir_action="a-1", x_weir_workflow="hard")
    root, attempt = spans_of(collector, name, 2)
    row = next(each for each in weir.rows("attempts") if each["request"] == name)
    assert attempt.name == "chat gpt-5"
    found = told(attempt)
    assert found["gen_ai.usage.input_tokens"] == row["input_tokens"] + row["cache_read_tokens"]
    assert found["gen_ai.usage.output_tokens"] == row["output_tokens"] + row["reasoning_tokens"]
    assert found["weir.cost.usd"] == float(row["usd"]) > 0
    assert found["gen_ai.response.finish_reasons"] == [row["finish"]]
    assert row["finish"]
    assert (found["gen_ai.provider.name"], found["gen_ai.request.model"]) == ("openai", "gpt-5")
    assert f"http://{found['server.address']}:{found['server.port']}" == weir.sandbox.openai.url
    about = told(root)
    assert (about["weir.action"], about["weir.workflow"], about["weir.tenant"]) == ("a-1", "hard", "acme")
    assert (about["weir.model"], about["weir.zone"], about["http.response.status_code"]) == (
        "gpt",
        "openai",
        200,
    )


def test_metrics_are_what_attempts_used(weir: Told, collector: StandInCollector) -> None:
    for _ in range(3):
        asked(weir)
    weir.ask(HELLO, model="llama")
    until(lambda: len(collector.spans) >= 8 and "weir.cost" in collector.metrics)
    until(lambda: sum(each.count for each in points(collector, "gen_ai.client.operation.duration")) == 4)
    rows = weir.rows("attempts")
    used = {(told(each)["gen_ai.provider.name"], told(each)["gen_ai.token.type"]): each.sum
            for each in points(collector, "gen_ai.client.token.usage")}  # fmt: skip
    assert used["openai", "output"] == sum(
        each["output_tokens"] + each["reasoning_tokens"] for each in rows if each["backend"] == "openai"
    )
    assert used.keys() == {(who, kind) for who in ("openai", "vllm") for kind in ("input", "output")}
    assert [each.count for each in points(collector, "gen_ai.client.operation.time_to_first_chunk")] == [3]
    spent = sum(each.as_double for each in collector.metrics["weir.cost"].sum.data_points)
    assert spent == pytest.approx(sum(float(each["usd"]) for each in rows))


def points(collector: StandInCollector, name: str) -> list[HistogramDataPoint]:
    metric = collector.metrics.get(name)
    return [] if metric is None else list(metric.histogram.data_points)


def test_what_failed_is_told_and_what_was_said_is_not(weir: Told, collector: StandInCollector) -> None:
    weir.run(weir.sandbox.vllm.fault("503", count=2))
    weir.ask(SECRET)  # its only replica is busy: the permitted set is left by nobody
    _, headers, _ = weir.ask(SECRET, model="gpt")  # refused
    weir.run(weir.sandbox.vllm.fault("none"))
    _, _, answer = weir.ask(SECRET)
    refused = spans_of(collector, headers["x-weir-request-id"], 1)[0]
    assert (told(refused)["weir.label.level"], told(refused)["weir.label.types"]) == (
        "restricted",
        ["US_SSN=1"],
    )
    assert told(refused)["error.type"] == "blocked"
    until(lambda: any(told(span).get("weir.outcome") == "failed" for span in collector.spans))
    broken = next(span for span in collector.spans if told(span).get("weir.outcome") == "failed")
    assert broken.status.code == 2
    until(lambda: sum(told(span).get("weir.outcome") == "ok" for span in collector.spans) >= 2)
    everything = b"".join(collector.bodies)
    assert b"536-22" not in everything
    assert b"file my form" not in everything
    assert answer["choices"][0]["message"]["content"].encode() not in everything


def test_a_trace_that_is_not_sampled_is_passed_on_and_not_told(
    weir: Told, collector: StandInCollector
) -> None:
    asked(weir, traceparent=CLIENT[:-1] + "0")
    assert weir.sandbox.openai.received[-1].headers["traceparent"].endswith("-00")
    name, _ = asked(weir, traceparent="nonsense")
    root, _ = spans_of(collector, name, 2)
    assert root.parent_span_id == b""
    assert CLIENT[3:35] not in {span.trace_id.hex() for span in collector.spans}


def test_while_the_collector_is_away_requests_go_on_and_no_more_than_so_many_spans_wait(
    weir: Told, collector: StandInCollector
) -> None:
    collector.status = 503
    for _ in range(70):  # 140 spans, of which 100 may wait
        asked(weir)
    until(lambda: weir.service._exporter.dropped == 40)
    assert "503" in weir.service._exporter.trouble
    collector.status = 200
    until(lambda: weir.service._exporter.exported == 100)
    assert len(collector.spans) == 100
    page = weir.run(weir.service.metrics.scrape()).decode()
    assert "weir_telemetry_spans_dropped_total 40" in page
    assert "weir_telemetry_spans_exported_total 100" in page


def test_what_is_booked_last_is_told_before_the_end(tmp_path: Path, collector: StandInCollector) -> None:
    running = Told(tmp_path, collector.url)
    asked(running)
    running.stop()
    assert len(collector.spans) == 2


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (OTLP.replace("zone: home", "zone: hom"), "there is no zone `hom`"),
        (OTLP.replace('endpoint: "%s"', "endpoint: collector:4318"), "telemetry.otlp.endpoint"),
        ("air_gapped: true" + OTLP.replace("zone: home", "zone: openai"), "`air_gapped: true` admits none"),
    ],
)
def test_a_collector_that_cannot_be_is_refused_with_the_reason(tmp_path: Path, policy: str, why: str) -> None:
    text = (policy % "http://127.0.0.1:4318") if "%s" in policy else policy
    config = tmp_path / "weir.yaml"
    config.write_text(POLICY + text)
    known = {f"WEIR_SANDBOX_{name}_URL": "http://127.0.0.1:1" for name in ("VLLM", "OPENAI", "ANTHROPIC")}
    with pytest.raises(ConfigurationErrors) as refused:
        load([config], {**known, "PROVIDER_KEY": "k", "COLLECTOR_KEY": "k"}, date(2026, 1, 1))
    assert why in str(refused.value)
