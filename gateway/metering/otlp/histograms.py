"""What attempts add to OpenTelemetry's metrics for generative AI, summed since the process began."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
)

from gateway.metering.otlp.spans import Members, Value, answer_tokens, attributes, operation, prompt_tokens

_TOKENS: Final = tuple(float(4**power) for power in range(14))
_SECONDS: Final = tuple(0.01 * 2**power for power in range(14))
_FIRST: Final = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


@dataclass(slots=True)
class _Series:
    """One set of attributes: how many values fell below each bound, and their sum."""

    counts: list[int]
    total: float = 0.0
    least: float = float("inf")
    most: float = 0.0


@dataclass(slots=True)
class _Distribution:
    name: str
    unit: str
    bounds: Sequence[float]
    series: dict[tuple[tuple[str, Value], ...], _Series] = field(default_factory=dict)

    def add(self, value: float, told: Mapping[str, Value]) -> None:
        key = tuple(told.items())
        held = self.series.get(key)
        if held is None:
            held = self.series[key] = _Series([0] * (len(self.bounds) + 1))
        held.counts[bisect_left(self.bounds, value)] += 1
        held.total += value
        held.least, held.most = min(held.least, value), max(held.most, value)

    def metric(self, since: int, now: int) -> Metric:
        points = [
            HistogramDataPoint(
                attributes=attributes(dict(key)),
                start_time_unix_nano=since,
                time_unix_nano=now,
                count=sum(each.counts),
                sum=each.total,
                min=each.least,
                max=each.most,
                bucket_counts=each.counts,
                explicit_bounds=self.bounds,
            )
            for key, each in self.series.items()
        ]  # fmt: skip
        return Metric(
            name=self.name,
            unit=self.unit,
            histogram=Histogram(
                data_points=points, aggregation_temporality=AGGREGATION_TEMPORALITY_CUMULATIVE
            ),
        )


class Meters:
    """Every metric there is. `since`: when they began, UTC nanoseconds."""

    def __init__(self, since: int) -> None:
        self._since = since
        self._tokens = _Distribution("gen_ai.client.token.usage", "{token}", _TOKENS)
        self._durations = _Distribution("gen_ai.client.operation.duration", "s", _SECONDS)
        self._firsts = _Distribution("gen_ai.client.operation.time_to_first_chunk", "s", _FIRST)
        self._usd: dict[tuple[tuple[str, Value], ...], float] = {}
        self._dropped = 0

    def add(self, attempt: Members, request: Members, providers: Mapping[str, str]) -> None:
        """One attempt ended."""
        backend = attempt.get("backend", "")
        told: dict[str, Value] = {
            "gen_ai.operation.name": operation(request.get("dialect", "chat")),
            "gen_ai.provider.name": providers.get(backend, backend),
            "gen_ai.request.model": attempt.get("upstream"),
        }
        failed: dict[str, Value] = {"error.type": attempt["error"]} if attempt.get("error") else {}
        self._durations.add(attempt.get("duration_ns", 0) / 1e9, told | failed)
        if attempt.get("usage_source", "unknown") != "unknown":
            self._tokens.add(prompt_tokens(attempt), told | {"gen_ai.token.type": "input"})
            self._tokens.add(answer_tokens(attempt), told | {"gen_ai.token.type": "output"})
        if request.get("stream") and attempt.get("ttft_ns") is not None:
            self._firsts.add(attempt["ttft_ns"] / 1e9, told)
        if attempt.get("usd") is not None:
            spent = told | {"weir.route": attempt.get("route"), "weir.model": attempt.get("model")}
            key = tuple(spent.items())
            self._usd[key] = self._usd.get(key, 0.0) + float(attempt["usd"])

    def dropped(self, count: int) -> None:
        """So many spans will never arrive."""
        self._dropped += count

    def metrics(self, now: int) -> list[Metric]:
        """All of them, as they stand at `now` (UTC nanoseconds)."""
        costs = [self._number(now, value, dict(key)) for key, value in self._usd.items()]
        lost = [self._number(now, float(self._dropped), {})]
        return [
            *(
                each.metric(self._since, now)
                for each in (self._tokens, self._durations, self._firsts)
                if each.series
            ),
            *([_sum("weir.cost", "USD", costs)] if costs else []),
            _sum("weir.telemetry.spans.dropped", "{span}", lost),
        ]

    def _number(self, now: int, value: float, told: dict[str, Any]) -> NumberDataPoint:
        return NumberDataPoint(
            attributes=attributes(told), start_time_unix_nano=self._since, time_unix_nano=now, as_double=value
        )


def _sum(name: str, unit: str, points: Sequence[NumberDataPoint]) -> Metric:
    return Metric(
        name=name,
        unit=unit,
        sum=Sum(
            data_points=points, aggregation_temporality=AGGREGATION_TEMPORALITY_CUMULATIVE, is_monotonic=True
        ),
    )
