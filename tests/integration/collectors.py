"""A stand-in for an OpenTelemetry collector: it takes OTLP over HTTP as one does, and keeps what it was told."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.serving import Serving


class StandInCollector:
    """`spans` and `metrics` (the last export's, by name) as they were decoded; `status` is what it answers."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.metrics: dict[str, Metric] = {}
        self.headers: list[dict[str, str]] = []
        self.resource: dict[str, Any] = {}
        self.status = 200
        self.url = ""
        self.bodies: list[bytes] = []

    def traces(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resource = told(resource.resource)
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def figures(self, body: bytes) -> None:
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in resource.scope_metrics:
                self.metrics = {each.name: each for each in scope.metrics}


def told(of: Any) -> dict[str, Any]:
    """The attributes of a span, a point or a resource as Python's own values."""
    found: dict[str, Any] = {}
    for each in of.attributes:
        kind = each.value.WhichOneof("value")
        value = getattr(each.value, kind)
        found[each.key] = [one.string_value for one in value.values] if kind == "array_value" else value
    return found


@contextmanager
def collecting() -> Iterator[StandInCollector]:
    """One on a free loopback port."""
    kept = StandInCollector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the library's name
            body = self.rfile.read(int(self.headers["content-length"]))
            if kept.status == 200:
                kept.headers.append({name.lower(): value for name, value in self.headers.items()})
                kept.bodies.append(body)
                {"/v1/traces": kept.traces, "/v1/metrics": kept.figures}[self.path](body)
            self.send_response(kept.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = Serving(Handler, "collector")
    kept.url = server.url
    try:
        yield kept
    finally:
        server.stop()
