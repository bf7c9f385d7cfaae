"""Writes the dashboards: `python deploy/grafana/make.py`. Queries stand here once, as panels; the JSON is Grafana's."""

# ruff: noqa: E501  # a query stays whole on its line

import json
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).with_name("dashboards")
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
HERE: Final = '{route=~"$route", model=~"$model", zone=~"$zone"}'
RATE: Final = "[$__rate_interval]"
RANGE: Final = "[$__range]"
FAILED: Final = '{outcome=~"failed|cut", route=~"$route", model=~"$model", zone=~"$zone"}'
REQUESTS: Final = f"weir_requests_total{HERE}{RATE}"
OWN_TOKENS: Final = (
    f'(increase(weir_tokens_total{RANGE}) and on (model) weir_gpu_seconds_total{{use="request"}})'
)
RENTED_TOKENS: Final = (
    f'(increase(weir_tokens_total{RANGE}) and on (model) weir_cost_usd_total{{component="tokens"}})'
)
SAVED: Final = (
    f"sum({OWN_TOKENS}) * sum(increase(weir_cost_usd_total{{component=\"tokens\"}}{RANGE})) / sum({RENTED_TOKENS}) "
    f"- sum(increase(weir_cost_usd_total{{component!=\"tokens\"}}{RANGE}))"
)  # fmt: skip

Panel = tuple[str, str, str, str, dict[str, str]]  # kind, title, description, unit, legend → query


def stat(title: str, unit: str, query: str, description: str = "") -> Panel:
    return ("stat", title, description, unit, {title.lower(): query})


def graph(title: str, unit: str, description: str = "", /, **queries: str) -> Panel:
    """Legends are labels (`route` shows `{{route}}`); `_` in front stands for a plain word."""
    return ("timeseries", title, description, unit, queries)


def quantiles(series: str, high: str) -> dict[str, str]:
    by = f"sum by (le, route) (rate({series}_bucket{HERE}{RATE}))"
    return {f"_p{q}": f"histogram_quantile(0.{q}, {by})" for q in ("50", high)}


def share(part: str, whole: str) -> str:
    return f"{part} / ({whole} > 0)"


def per_success(spend: str) -> str:
    won = f'sum by (workflow) (increase(weir_actions_total{{outcome="success"}}{RANGE}))'
    return share(spend, won)


DASHBOARDS: Final[dict[str, tuple[str, tuple[Panel, ...]]]] = {
    "cost": (
        "Weir: cost and savings",
        (
            stat("Spent", "currencyUSD", f"sum(increase(weir_cost_usd_total{HERE}{RANGE}))", "Idle GPU time is in it."),
            stat("Saved", "currencyUSD", SAVED, "Own models' tokens at the providers' average price, less what the GPUs cost."),
            stat("Per successful action", "currencyUSD", share(
                f"sum(increase(weir_cost_usd_total{RANGE}))",
                f'sum(increase(weir_actions_total{{outcome="success"}}{RANGE}))'), "All spend over all successes."),
            stat("Attempts without a price", "short", f"sum(increase(weir_unpriced_attempts_total{HERE}{RANGE}))",
                 "Unknown is not 0: their money is missing here."),
            graph("Dollars per hour by component", "currencyUSD", "`idle` is GPU time that no request used.",
                  component=f"3600 * sum by (component) (rate(weir_cost_usd_total{HERE}{RATE}))"),
            graph("Dollars per hour by route", "currencyUSD",
                  route=f"3600 * sum by (route) (rate(weir_cost_usd_total{HERE}{RATE}))"),
            graph("Dollars per hour by model", "currencyUSD",
                  model=f"3600 * sum by (model) (rate(weir_cost_usd_total{HERE}{RATE}))"),
            graph("Dollars per million tokens", "currencyUSD",
                  model="1e6 * " + share(f"sum by (model) (rate(weir_cost_usd_total{HERE}{RATE}))",
                                         f"sum by (model) (rate(weir_tokens_total{HERE}{RATE}))")),
            graph("Tokens by class", "short", **{"class": f"sum by (class) (rate(weir_tokens_total{HERE}{RATE}))"}),
        ),
    ),
    "gpus": (
        "Weir: GPU use and idle",
        (
            stat("Used by requests", "percentunit", share(
                f'sum(rate(weir_gpu_seconds_total{{use="request"}}{RATE}))', f"sum(rate(weir_gpu_seconds_total{RATE}))")),
            stat("Idle", "percentunit", share(
                f'sum(rate(weir_gpu_seconds_total{{use="idle"}}{RATE}))', f"sum(rate(weir_gpu_seconds_total{RATE}))")),
            stat("Idle cost", "currencyUSD", f'sum(increase(weir_cost_usd_total{{component="idle"}}{RANGE}))'),
            stat("Watts", "watt", f"sum(rate(weir_energy_joules_total{RATE}))", "Where a meter is read."),
            graph("GPU-seconds per second by use", "short", "request + foreign + waiting + idle + unobserved = provisioned.",
                  use=f"sum by (use) (rate(weir_gpu_seconds_total{RATE}))"),
            graph("GPU-seconds per second by route", "short",
                  route=f'sum by (route) (rate(weir_gpu_seconds_total{{use="request", route=~"$route", model=~"$model"}}{RATE}))'),
            graph("Idle share by backend", "percentunit", backend=share(
                f'sum by (backend) (rate(weir_gpu_seconds_total{{use="idle"}}{RATE}))',
                f"sum by (backend) (rate(weir_gpu_seconds_total{RATE}))")),
            graph("Watts by use", "watt", use=f"sum by (use) (rate(weir_energy_joules_total{RATE}))"),
        ),
    ),
    "routes": (
        "Weir: routes and labels",
        (
            stat("Requests", "reqps", f"sum(rate({REQUESTS}))"),
            stat("In flight", "short", "sum(weir_inflight)"),
            stat("Stayed inside", "short", f"sum(increase(weir_boundary_blocks_total{RANGE}))",
                 "Requests for which a boundary took a model away."),
            stat("Passed over", "short", f"sum(increase(weir_routes_passed_over_total{RANGE}))",
                 "Routes that matched and had no target left."),
            graph("Requests by route", "reqps", route=f"sum by (route) (rate({REQUESTS}))"),
            graph("Requests by model", "reqps", model=f"sum by (model) (rate({REQUESTS}))"),
            graph("Requests by zone", "reqps", zone=f"sum by (zone) (rate({REQUESTS}))"),
            graph("Labels", "reqps", level=f"sum by (level) (rate(weir_labels_total{RATE}))"),
            graph("Kinds of task", "reqps", kind=f"sum by (kind) (rate(weir_tasks_total{RATE}))"),
            graph("Boundaries at work", "reqps", boundary=f"sum by (boundary) (rate(weir_boundary_blocks_total{RATE}))"),
            graph("Routes passed over", "reqps", route=f"sum by (route) (rate(weir_routes_passed_over_total{RATE}))"),
            graph("Complexity from which a task is hard", "short", "For routes with `hardest`: follows their traffic.",
                  route="max by (route) (weir_complexity_threshold)"),
            graph("Complexity: drift from its calibration", "percentunit",
                  "0: scores are spread as when the weights were calibrated; alerts at 25% for other weights than those that ship.",
                  calibration="max by (calibration) (weir_complexity_drift_ratio)"),
        ),
    ),
    "reliability": (
        "Weir: reliability",
        (
            stat("Failing", "percentunit", share(f"(sum(rate(weir_requests_total{FAILED}{RATE})) or vector(0))", f"sum(rate({REQUESTS}))")),
            stat("Replicas up", "short", "sum(weir_backend_up)"),
            stat("Ledger lag", "s", "max(weir_ledger_lag_seconds)"),
            stat("Records lost", "short", f"sum(increase(weir_ledger_unbooked_records_total{RANGE}))"),
            graph("Requests by outcome", "reqps", outcome=f"sum by (outcome) (rate({REQUESTS}))"),
            graph("Calls to replicas by outcome", "reqps",
                  outcome=f"sum by (backend, outcome) (rate(weir_attempts_total{RATE}))"),
            graph("Answers set aside", "reqps", "By their fault, and by what came of it: another model answered, or the first answer was kept.",
                  fault=f"sum by (fault, outcome) (rate(weir_escalations_total{RATE}))"),
            graph("Replicas that take requests", "short", backend="sum by (backend) (weir_backend_up)"),
            graph("Duration", "s", **quantiles("weir_request_duration_seconds", "95")),
            graph("Time to first token", "s", **quantiles("weir_time_to_first_token_seconds", "95")),
            graph("Weir's own share", "s", **quantiles("weir_overhead_seconds", "99")),
        ),
    ),
    "actions": (
        "Weir: actions",
        (
            stat("Actions", "short", f"sum(increase(weir_actions_total{RANGE}))", "Closed ones."),
            stat("Open", "short", "sum(weir_actions_open)"),
            stat("Outcome known", "percentunit", share(
                f'sum(increase(weir_actions_total{{outcome!="unknown"}}{RANGE}))', f"sum(increase(weir_actions_total{RANGE}))"),
                "The share of the actions that feedback or an HTTP failure judged."),
            stat("Successful of the judged", "percentunit", share(
                f'sum(increase(weir_actions_total{{outcome="success"}}{RANGE}))',
                f'sum(increase(weir_actions_total{{outcome!="unknown"}}{RANGE}))')),
            graph("Actions by outcome", "short", outcome=f"sum by (outcome) (rate(weir_actions_total{RATE}))"),
            graph("Cost per successful action", "currencyUSD", "All spend on the workflow's actions over its successes.",
                  workflow=per_success(f"sum by (workflow) (increase(weir_action_cost_usd_total{RANGE}))")),
            graph("Cost per action", "currencyUSD", workflow=share(
                f"sum by (workflow) (increase(weir_action_cost_usd_total{RANGE}))",
                f"sum by (workflow) (increase(weir_actions_total{RANGE}))")),
            graph("Spent by outcome, per hour", "currencyUSD",
                  outcome=f"3600 * sum by (outcome) (rate(weir_action_cost_usd_total{RATE}))"),
            graph("Outcome known, by workflow", "percentunit", workflow=share(
                f'sum by (workflow) (increase(weir_actions_total{{outcome!="unknown"}}{RANGE}))',
                f"sum by (workflow) (increase(weir_actions_total{RANGE}))")),
        ),
    ),
}  # fmt: skip


def dashboard(name: str, title: str, panels: tuple[Panel, ...]) -> dict[str, Any]:
    drawn: list[dict[str, Any]] = []
    stats = [panel for panel in panels if panel[0] == "stat"]
    for i, panel in enumerate(stats):
        width = 24 // len(stats)
        drawn.append(_panel(len(drawn) + 1, panel, {"h": 4, "w": width, "x": i * width, "y": 0}))
    graphs = [panel for panel in panels if panel[0] != "stat"]
    for i, panel in enumerate(graphs):
        drawn.append(_panel(len(drawn) + 1, panel, {"h": 8, "w": 8, "x": i % 3 * 8, "y": 4 + i // 3 * 8}))
    return {
        "uid": f"weir-{name}",
        "title": title,
        "tags": ["weir"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_source(), *map(_variable, ("route", "model", "zone"))]},
        "annotations": {"list": []},
        "links": [
            {"type": "dashboards", "tags": ["weir"], "title": "Weir", "asDropdown": True, "keepTime": True}
        ],
        "panels": drawn,
    }


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    kind, title, description, unit, queries = panel
    targets = [
        {
            "refId": chr(ord("A") + i),
            "datasource": SOURCE,
            "expr": query,
            "legendFormat": _legend(kind, legend),
        }
        for i, (legend, query) in enumerate(queries.items())
    ]
    custom = {"fillOpacity": 20, "showPoints": "never"}
    options: dict[str, Any] = {
        "legend": {"displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    if kind == "stat":
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "area"}
    defaults = {"unit": unit} if kind == "stat" else {"unit": unit, "min": 0, "custom": custom}
    return {
        "id": number,
        "type": kind,
        "title": title,
        "description": description,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
    }


def _legend(kind: str, legend: str) -> str:
    if kind == "stat":
        return legend
    return "{{route}} " + legend[1:] if legend.startswith("_") else "{{" + legend + "}}"


def _source() -> dict[str, Any]:
    return {"name": "datasource", "label": "data source", "type": "datasource", "query": "prometheus"}


def _variable(name: str) -> dict[str, Any]:
    query = f"label_values(weir_requests_total, {name})"
    return {
        "name": name,
        "label": name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
        "refresh": 2,
        "sort": 1,
    }


if __name__ == "__main__":
    for name, (title, panels) in DASHBOARDS.items():
        text = json.dumps(dashboard(name, title, panels), indent=1) + "\n"
        (FOLDER / f"{name}.json").write_text(text)
