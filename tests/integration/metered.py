"""A Weir under traffic of every kind that a dashboard shows, and a real Prometheus that scrapes it."""

import json
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import yaml

from tests.integration.sandboxed import HELLO, POLICY, SECRET, Sandboxed
from tests.serving import Serving

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
PATIENCE = 60.0  # seconds
WINDOW = {"$__rate_interval": "30s", "$__range": "1m"}
_WATTS = 350
_ROUTE = (
    "routes:\n  - {name: rented, when: {workflow: rented}, use: [gpt]}\n"
    "  - {name: doubtful, when: {workflow: doubtful}, use: [llama], escalate: {to: [gpt]}}\n"
    "  - {name: difficult, when: {complexity: {hardest: 30%}, workflow: difficult}, use: [gpt], on_failure: [llama]}\n"
)


def panels() -> list[tuple[str, str, str]]:
    """(dashboard, panel, query) of every panel there is."""
    return [
        (path.stem, panel["title"], target["expr"])
        for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
        for panel in json.loads(path.read_text())["panels"]
        for target in panel.get("targets", ())
    ]


def filled(expression: str) -> str:
    """With Grafana's variables filled in as Grafana would."""
    for variable, value in WINDOW.items():
        expression = expression.replace(variable, value)
    return re.sub(r"\$\w+", ".*", expression)


class Prometheus:
    """A Prometheus process that scrapes one target each second."""

    def __init__(self, url: str) -> None:
        self.url = url

    def api(self, path: str, **query: str) -> Any:
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310  # its own loopback URL
            return json.load(answer)["data"]

    def ask(self, expression: str) -> list[Any]:
        return list(self.api("query", query=expression)["result"])

    def over(self, expression: str, start: float, end: float, step: float) -> list[Any]:
        """The series of a query over a span (UTC seconds)."""
        span = {"start": str(start), "end": str(end), "step": str(step)}
        return list(self.api("query_range", query=expression, **span)["result"])

    def wait_for(self, expression: str) -> list[Any]:
        """What the query finds, as soon as it finds anything; empty when patience ends."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if found := self.ask(expression):
                    return found
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(0.2)
        return []


class Traffic:
    """Requests of every kind, again and again on a thread of their own until it is stopped."""

    def __init__(self, weir: Sandboxed) -> None:
        self._weir = weir
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        turn = 0
        while not self._stop.wait(0.05):
            turn += 1
            self._turn(turn)

    def _turn(self, turn: int) -> None:
        weir, action = self._weir, f"a-{turn}"
        weir.ask(HELLO, stream=True, x_weir_action=action)
        weir.ask(HELLO, x_weir_action=action, x_weir_workflow="hard")
        if turn % 2:
            weir.ask(HELLO, x_weir_workflow="difficult")
        if turn % 3:
            body = {"metric_name": "done", "episode_id": action, "value": turn % 3 == 1}
            weir.post(body, path="/v1/feedback")
        if turn % 4 == 0:
            weir.ask(SECRET, x_weir_workflow="rented")  # passed over: it may not leave
        if turn % 4 == 1:
            weir.run(weir.sandbox.vllm.fault("empty", count=1))
            weir.ask(HELLO, x_weir_workflow="doubtful")
        if turn % 5 == 0:
            weir.run(weir.sandbox.vllm.fault("503", count=1))
            weir.ask(HELLO)  # falls back
        if turn % 7 == 0:
            weir.ask(SECRET, model="gpt")  # blocked
        if turn % 11 == 0:
            weir.run(weir.sandbox.openai.fault("cut", count=1))
            weir.ask(HELLO, model="gpt", stream=True)


@contextmanager
def exporter() -> Iterator[str]:
    """A DCGM exporter's page of one GPU that takes an even power."""
    begun = time.monotonic()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            energy = int((time.monotonic() - begun) * _WATTS * 1000) + 10_000
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0",UUID="GPU-a"} %d\n' % energy)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = Serving(Page, "exporter")
    try:
        yield f"{server.url}/metrics"
    finally:
        server.stop()


@contextmanager
def metered(folder: Path) -> Iterator[Sandboxed]:
    """A Weir with all that dashboards show: passed over routes, actions that close soon, a meter."""
    with exporter() as page:
        policy = POLICY.replace("routes:\n", _ROUTE)
        policy = policy.replace(
            "usd_per_gpu_hour: 2.10,",
            f"usd_per_gpu_hour: 2.10, energy: {{dcgm: '{page}', usd_per_kwh: 0.24}},",
        )
        weir = Sandboxed(folder, policy + "\nactions: {quiet: 1s}\n")
        try:
            yield weir
        finally:
            weir.stop()


@contextmanager
def scraped(folder: Path, metrics: str, binary: str) -> Iterator[Prometheus]:
    """A Prometheus under the shipped rules that scrapes `metrics` (host:port) each second."""
    configuration = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration["rule_files"] = [str(DEPLOY / "prometheus" / "rules.yml")]
    configuration["scrape_configs"] = [{"job_name": "weir", "static_configs": [{"targets": [metrics]}]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                binary,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            yield Prometheus(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def under_traffic(folder: Path) -> Iterator[Prometheus]:
    """All of it, once Prometheus has seen every kind of series. Raises LookupError without a binary."""
    binary = shutil.which("prometheus")
    if binary is None:
        raise LookupError("prometheus is not installed")
    with metered(folder) as weir:
        target = urllib.parse.urlsplit(weir.service.metrics_url).netloc
        with scraped(folder, target, binary) as prometheus:
            traffic = Traffic(weir)
            try:
                prometheus.wait_for("rate(weir_energy_joules_total[30s]) > 0")
                yield prometheus
            finally:
                traffic.stop()
