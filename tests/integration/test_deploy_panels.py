"""A real Prometheus scrapes a Weir under traffic: every panel of every dashboard has data, every rule evaluates."""

from collections.abc import Iterator

import pytest

from tests.integration.metered import Prometheus, filled, panels, under_traffic


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    try:
        with under_traffic(tmp_path_factory.mktemp("prometheus")) as running:
            yield running
    except LookupError as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize(("dashboard", "title", "expression"), panels(), ids=lambda value: value[:50])
def test_every_panel_has_data(prometheus: Prometheus, dashboard: str, title: str, expression: str) -> None:
    assert prometheus.wait_for(filled(expression)), f"{dashboard}: {title}: nothing for {filled(expression)}"


def test_every_rule_evaluates(prometheus: Prometheus) -> None:
    assert prometheus.wait_for("weir:gpu_seconds:rate5m")
    assert prometheus.wait_for("weir:cost_usd_per_success:ratio1h")
    groups = prometheus.api("rules")["groups"]
    assert {group["name"] for group in groups} == {"weir-records", "weir-alerts"}
    failed = {
        rule["name"]: rule["lastError"]
        for group in groups
        for rule in group["rules"]
        if rule.get("lastError")
    }
    assert failed == {}
