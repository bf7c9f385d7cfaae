"""Dashboards and rules ask for series that Weir has, in PromQL that parses, and alerts fire when they should."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from gateway.configuration.loading import load
from gateway.metering.prometheus import Metrics

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
RULES = DEPLOY / "prometheus" / "rules.yml"


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", ())


def dashboard_expressions() -> list[tuple[str, str]]:
    return [
        (f"{path.name}: {panel['title']}", target["expr"])
        for path in DASHBOARDS
        for panel in panels(json.loads(path.read_text()))
        for target in panel.get("targets", ())
    ]


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def expressions() -> list[tuple[str, str]]:
    return dashboard_expressions() + [(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]


def filled(expression: str) -> str:
    """With Grafana's variables filled in as Grafana would."""
    for variable, value in {"$__rate_interval": "1m", "$__range": "1h"}.items():
        expression = expression.replace(variable, value)
    return re.sub(r"\$\w+", ".*", expression)


def series_of_weir() -> dict[str, set[str]]:
    """Every series' name, with its labels."""
    metrics = Metrics(version="0")
    metrics.watch_ledger(lambda: 0.0, lambda: 0, lambda: False)
    metrics.watch_actions(lambda: 0)
    metrics.watch_complexity(dict, dict)
    known = {}
    for family in metrics._families:
        labels = set(getattr(family, "_labels", ()))
        for suffix in ("", "_bucket", "_sum", "_count"):
            known[family.name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
    return known


def selectors(expression: str) -> set[str]:
    parsed = promql_parser.parse(expression)
    found: set[str] = set()

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.add(node.name)
        elif isinstance(node, promql_parser.MatrixSelector):
            found.add(node.vector_selector.name)
        for child in ("lhs", "rhs", "expr", "args"):
            value = getattr(node, child, None)
            for each in value if isinstance(value, list) else [value]:
                if each is not None and type(each).__module__.startswith("promql"):
                    visit(each)

    visit(parsed)
    return found


@pytest.mark.parametrize(("where", "expression"), expressions(), ids=lambda value: value[:60])
def test_every_expression_parses_and_asks_for_series_that_exist(where: str, expression: str) -> None:
    known = series_of_weir().keys() | {rule["record"] for rule in rules() if "record" in rule}
    asked = selectors(filled(expression))
    assert asked, f"{where} asks for nothing"
    assert asked <= known, f"{where}: no such series: {asked - known}"


@pytest.mark.parametrize(("where", "expression"), expressions(), ids=lambda value: value[:60])
def test_every_grouping_is_by_labels_that_the_series_carry(where: str, expression: str) -> None:
    known = series_of_weir()
    asked = selectors(filled(expression)) & known.keys()
    carried = set().union(*(known[name] for name in asked)) if asked else None
    for group in re.findall(r"\bby \(([^)]*)\)", expression):
        labels = {label.strip() for label in group.split(",")}
        assert carried is None or labels <= carried, f"{where}: {labels - carried} on {asked}"


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_a_dashboard_takes_its_data_source_from_the_variable(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    assert dashboard["templating"]["list"][0]["name"] == "datasource"
    for panel in panels(dashboard):
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
    ids = [panel["id"] for panel in panels(dashboard)]
    assert len(ids) == len(set(ids))


def test_no_two_panels_of_a_dashboard_overlap() -> None:
    for path in DASHBOARDS:
        taken: set[tuple[int, int]] = set()
        for panel in panels(json.loads(path.read_text())):
            at = panel["gridPos"]
            cells = {
                (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
            }
            assert not cells & taken, panel["title"]
            assert at["x"] + at["w"] <= 24
            taken |= cells


def test_the_policy_of_compose_loads() -> None:
    environ = {"WEIR_KEY_SHA256": "0" * 64, "OPENAI_API_KEY": "sk-test"}
    snapshot = load([DEPLOY / "config"], environ, date(2026, 1, 1))
    assert set(snapshot.backends) == {"gpu-a", "openai"}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    binary = shutil.which("promtool")
    if binary is None:
        pytest.skip("promtool is not installed")
    return subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_prometheus_accepts_its_configuration_and_the_rules() -> None:
    done = promtool("check", "config", str(DEPLOY / "prometheus" / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_fire_when_they_should_and_not_before() -> None:
    done = promtool("test", "rules", str(Path(__file__).with_name("alerts.test.yml")))
    assert done.returncode == 0, done.stdout + done.stderr
