"""A request's records as spans, by OpenTelemetry's conventions for generative AI. The names are theirs, and may
change: all of them stand here and in `histograms`.

Conventions: github.com/open-telemetry/semantic-conventions-genai, which are still in development.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gateway.metering.otlp.identity import span_of, trace_of

Members = Mapping[str, Any]  # a journal line's fields, without those at their default
Value = str | int | float | bool | list[str] | None

_OPERATIONS: Final[Mapping[str, str]] = {
    "chat": "chat",
    "messages": "chat",
    "responses": "chat",
    "completions": "text_completion",
    "embeddings": "embeddings",
}
_FAILED: Final = frozenset({"cut", "failed", "rejected"})


def operation(dialect: str) -> str:
    """What kind of work a request asks for, in the conventions' words or, beyond them, in the dialect's name."""
    return _OPERATIONS.get(dialect, dialect)


def prompt_tokens(record: Members) -> int:
    """All tokens that went in: cached ones are part of them, by the conventions."""
    names = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "audio_in_tokens")
    return sum(record.get(name, 0) for name in names)


def answer_tokens(record: Members) -> int:
    """All tokens that came out, those of reasoning included."""
    return sum(record.get(name, 0) for name in ("output_tokens", "reasoning_tokens", "audio_out_tokens"))


def request_span(request: Members, providers: Mapping[str, str]) -> Span | None:
    """A request, from its arrival to its last byte; None where the client's trace is not sampled."""
    trace = trace_of(request["id"], request.get("trace", ""))
    if not trace.sampled:
        return None
    dialect = request.get("dialect", "chat")
    told: dict[str, Value] = {
        "gen_ai.operation.name": operation(dialect),
        "gen_ai.request.model": request.get("asked") if request.get("model") else None,
        "gen_ai.provider.name": providers.get(request.get("backend", "")),
        "http.response.status_code": request.get("status"),
        "weir.request.id": request["id"],
        "weir.tenant": request["tenant"],
        "weir.workflow": request.get("workflow"),
        "weir.action": request.get("action"),
        "weir.route": request.get("route"),
        "weir.model": request.get("model"),
        "weir.zone": request.get("zone"),
        "weir.policy": request.get("policy"),
        "weir.label.level": request.get("level"),
        "weir.label.types": [f"{name}={count}" for name, count in request.get("types", {}).items()] or None,
        "weir.complexity": request.get("complexity"),
        "weir.attempts": request.get("attempts", 0),
        "weir.outcome": request.get("outcome", "ok"),
        **_used(request),
    }
    return _span(
        request, trace.id, trace.parent, f"{operation(dialect)} {request.get('route') or 'unrouted'}",
        Span.SPAN_KIND_SERVER, told,
    )  # fmt: skip


def attempt_span(attempt: Members, request: Members, providers: Mapping[str, str]) -> Span | None:
    """One call to one replica, under its request's span."""
    trace = trace_of(request["id"], request.get("trace", ""))
    if not trace.sampled:
        return None
    backend, replica = attempt.get("backend", ""), urlsplit(attempt.get("replica", ""))
    dialect = request.get("dialect", "chat")
    told: dict[str, Value] = {
        "gen_ai.operation.name": operation(dialect),
        "gen_ai.provider.name": providers.get(backend, backend),
        "gen_ai.request.model": attempt.get("upstream"),
        "gen_ai.response.finish_reasons": [attempt["finish"]] if attempt.get("finish") else None,
        "server.address": replica.hostname,
        "server.port": replica.port,
        "http.response.status_code": attempt.get("status"),
        "weir.attempt": attempt["n"],
        "weir.upstream_request.id": attempt.get("upstream_id"),
        "weir.route": attempt.get("route"),
        "weir.model": attempt.get("model"),
        "weir.backend": backend,
        "weir.zone": attempt.get("zone"),
        "weir.outcome": attempt.get("outcome", "ok"),
        **_used(attempt),
    }
    name = f"{operation(dialect)} {attempt.get('upstream') or backend}"
    return _span(attempt, trace.id, span_of(request["id"]), name, Span.SPAN_KIND_CLIENT, told)


def _used(record: Members) -> dict[str, Value]:
    """Tokens, money, GPU time, and what went wrong."""
    known = record.get("usage_source", "unknown") != "unknown"
    usd, gpu_ns, ttft_ns = record.get("usd"), record.get("gpu_ns"), record.get("ttft_ns")
    return {
        "gen_ai.usage.input_tokens": prompt_tokens(record) if known else None,
        "gen_ai.usage.output_tokens": answer_tokens(record) if known else None,
        "gen_ai.usage.cache_read.input_tokens": record.get("cache_read_tokens"),
        "gen_ai.usage.cache_creation.input_tokens": record.get("cache_write_tokens"),
        "gen_ai.usage.reasoning.output_tokens": record.get("reasoning_tokens"),
        "weir.usage.source": record.get("usage_source", "unknown"),
        "weir.cost.usd": None if usd is None else float(usd),
        "weir.cost.source": record.get("price_source"),
        "weir.gpu.seconds": None if gpu_ns is None else gpu_ns / 1e9,
        "weir.time_to_first_token": None if ttft_ns is None else ttft_ns / 1e9,
        "error.type": record.get("error"),
    }


def _span(
    record: Members,
    trace: bytes,
    parent: bytes,
    name: str,
    kind: Span.SpanKind.ValueType,
    told: dict[str, Value],
) -> Span:
    failed = record.get("outcome") in _FAILED
    return Span(
        trace_id=trace,
        span_id=span_of(record["id"]),
        parent_span_id=parent,
        name=name,
        kind=kind,
        start_time_unix_nano=record["at"],
        end_time_unix_nano=record["at"] + record.get("duration_ns", 0),
        attributes=attributes(told),
        status=Status(code=Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_UNSET),
    )


def attributes(told: Mapping[str, Value]) -> Iterable[KeyValue]:
    """What is known of it; what is not known is left out."""
    return [KeyValue(key=name, value=_any(value)) for name, value in told.items() if value not in (None, "")]


def _any(value: Value) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=each) for each in value]))
    return AnyValue(string_value=str(value))
