"""A real Prometheus scrapes a Weir that has seen the demo's traffic: every panel has data, every rule evaluates."""

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.commands import ROOT, read_until, running

DEPLOY = ROOT / "deploy"
NOT_IN_THE_DEMO = {"Routes passed over"}  # its routes always have a target left
_PATIENCE = 30.0  # seconds


def panels() -> list[tuple[str, str]]:
    return [
        (panel["title"], target["expr"])
        for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
        for panel in json.loads(path.read_text())["panels"]
        for target in panel.get("targets", ())
    ]


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

    def wait_for(self, expression: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                if self.ask(expression):
                    return
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(0.2)
        pytest.fail(f"Prometheus had no answer to {expression} within {_PATIENCE:.0f} s")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("prometheus is not installed")
    folder: Path = tmp_path_factory.mktemp("prometheus")
    with running("demo", "--stay", "--port", "0") as (_, out):
        metrics = re.search(r"metrics\s+http://(\S+)/metrics", read_until(out, "Ctrl-C ends it"))
        assert metrics is not None
        configuration = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
        configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        configuration["rule_files"] = [str(DEPLOY / "prometheus" / "rules.yml")]
        configuration["scrape_configs"] = [
            {"job_name": "weir", "static_configs": [{"targets": [metrics[1]]}]}
        ]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log = (folder / "log").open("w")
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
            running_prometheus = Prometheus(f"http://127.0.0.1:{port}")
            running_prometheus.wait_for("count_over_time(weir_build_info[30s]) >= 3")
            yield running_prometheus
        finally:
            process.terminate()
            process.wait(20)
            log.close()


@pytest.mark.parametrize(("title", "expression"), panels(), ids=lambda value: value[:50])
def test_every_panel_has_data(prometheus: Prometheus, title: str, expression: str) -> None:
    for variable, value in {"$__rate_interval": "30s", "$__range": "1m"}.items():
        expression = expression.replace(variable, value)
    found = prometheus.ask(re.sub(r"\$\w+", ".*", expression))
    assert found or title in NOT_IN_THE_DEMO, f"{title}: nothing for {expression}"


def test_every_rule_evaluates(prometheus: Prometheus) -> None:
    prometheus.wait_for("weir:gpu_seconds:rate5m")
    groups = prometheus.api("rules")["groups"]
    assert {group["name"] for group in groups} == {"weir-records", "weir-alerts"}
    failed = {
        rule["name"]: rule["lastError"]
        for group in groups
        for rule in group["rules"]
        if rule.get("lastError")
    }
    assert failed == {}
