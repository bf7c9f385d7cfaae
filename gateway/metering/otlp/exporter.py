"""Follows the journal in a process of its own, and tells a collector of what is booked there.

The gateway's loop takes no part: what happens to the collector happens here. While it is away a bounded number of
spans waits, the oldest are dropped, and both are counted.
"""

import json
import os
import signal
import ssl
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics, ScopeMetrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from gateway.ledger.reading import Line, Reader
from gateway.metering.otlp.histograms import Meters
from gateway.metering.otlp.spans import Members, attempt_span, attributes, request_span

_NICE: Final = 19  # by how much the process gives way to the gateway
_LINES: Final = 256
_SPANS: Final = 512  # in one export
_END: Final = 2**63
_RETRIED: Final = frozenset({408, 429, 502, 503, 504})  # the others will not be taken a second time either


class Collector:
    """One collector, spoken to over OTLP/HTTP with no proxy and no redirect."""

    def __init__(
        self, endpoint: str, headers: Mapping[str, str], ca_file: str | None, timeout: float
    ) -> None:
        parts = urlsplit(endpoint)
        self._host, self._port, self._path = parts.hostname or "", parts.port, parts.path
        self._headers = {**headers, "content-type": "application/x-protobuf", "user-agent": "weir"}
        self._tls = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
        self._timeout = timeout
        self.trouble = ""  # why it takes nothing just now; empty: it does

    def take(self, path: str, message: bytes) -> bool:
        """Whether it needs not be told again: it took it, or never will."""
        try:
            status = self._post(self._path + path, message)
        except (OSError, HTTPException) as error:
            self.trouble = f"the collector cannot be reached: {error or type(error).__name__}"
            return False
        self.trouble = "" if 200 <= status < 300 else f"the collector answered {status}"
        return status not in _RETRIED

    def _post(self, path: str, body: bytes) -> int:
        if self._tls is None:
            connection = HTTPConnection(self._host, self._port, timeout=self._timeout)
        else:
            connection = HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._tls)
        try:
            connection.request("POST", path, body, self._headers)
            return connection.getresponse().status
        finally:
            connection.close()


class Exporter:
    """Turns lines into spans and figures, and keeps them until the collector has taken them."""

    def __init__(
        self,
        collector: Collector,
        providers: Mapping[str, str],
        resource: Mapping[str, str],
        most: int,
        now: int,
    ) -> None:
        """`providers`: what backends are called; `now`: UTC nanoseconds."""
        self._collector = collector
        self._providers = providers
        self._resource = Resource(attributes=attributes(dict(resource)))
        self._scope = InstrumentationScope(name="weir", version=resource["service.version"])
        self._most = most
        self._spans: deque[Span] = deque()
        self._attempts: dict[str, list[Members]] = {}
        self._meters = Meters(now)
        self.exported = 0
        self.dropped = 0

    @property
    def trouble(self) -> str:
        """Why nothing is exported just now; empty: it is."""
        return self._collector.trouble

    def take(self, lines: Sequence[Line]) -> None:
        """Lines of the journal, in their order: a request's attempts come right before it."""
        for line in lines:
            if line.kind == "attempt":
                attempt = line.members
                self._attempts.setdefault(attempt["request"], []).append(attempt)
            elif line.kind == "request":
                self._request(line.members)

    def _request(self, request: Members) -> None:
        self._keep(request_span(request, self._providers))
        for attempt in self._attempts.pop(request["id"], ()):
            self._keep(attempt_span(attempt, request, self._providers))
            self._meters.add(attempt, request, self._providers)

    def _keep(self, span: Span | None) -> None:
        if span is None:
            return
        if len(self._spans) >= self._most:
            self._spans.popleft()
            self._drop(1)
        self._spans.append(span)

    def _drop(self, count: int) -> None:
        self.dropped += count
        self._meters.dropped(count)

    def export(self, now: int) -> None:
        """Tell the collector of what waits, and how the metrics stand."""
        while self._spans:
            few = [self._spans[at] for at in range(min(_SPANS, len(self._spans)))]
            scoped = ScopeSpans(scope=self._scope, spans=few)
            told = ExportTraceServiceRequest(
                resource_spans=[ResourceSpans(resource=self._resource, scope_spans=[scoped])]
            )
            if not self._collector.take("/v1/traces", told.SerializeToString()):
                return
            for _ in few:
                self._spans.popleft()
            if self._collector.trouble:  # it was refused for good
                self._drop(len(few))
            else:
                self.exported += len(few)
        figures = ScopeMetrics(scope=self._scope, metrics=self._meters.metrics(now))
        self._collector.take(
            "/v1/metrics",
            ExportMetricsServiceRequest(
                resource_metrics=[ResourceMetrics(resource=self._resource, scope_metrics=[figures])]
            ).SerializeToString(),
        )


def export(task: Mapping[str, Any]) -> None:
    """The process's whole life: follow the journal, report on standard output, and end when the gateway does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the gateway's end is ours
    os.nice(_NICE)
    collector = Collector(task["endpoint"], task["headers"], task["ca_file"], task["timeout"])
    exporter = Exporter(collector, task["providers"], task["resource"], task["most"], time.time_ns())
    reader = Reader(Path(task["directory"]), task["after"])
    ended = threading.Event()

    def hear() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=hear, name="hear", daemon=True).start()
    while not ended.wait(task["every"]):
        _turn(exporter, reader)
    _turn(exporter, reader)


def _turn(exporter: Exporter, reader: Reader) -> None:
    while lines := reader.read(_END, _LINES):
        exporter.take(lines)
    exporter.export(time.time_ns())
    report = {
        "exported": exporter.exported,
        "dropped": exporter.dropped,
        "trouble": exporter.trouble,
        "line": reader.line,
    }
    try:
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # nobody listens any more; the export still counts
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123  # closed with the process
