"""Draws a dashboard from what a real Prometheus answers: `python -m bench.dashboards cost docs/img/cost.svg`.

A Weir with stand-in engines runs under mixed traffic for a while; each panel's own query is asked over that time.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from tests.integration.metered import DEPLOY, Prometheus, filled, under_traffic

SECONDS: Final = 75  # of traffic
CELL: Final = 50  # pixels of one column of Grafana's 24
ROW: Final = 30
COLOURS: Final = ("#3b7dd8", "#e08b2c", "#3fa35b", "#b54a9a", "#8a6d3b", "#c94c4c", "#5b6abf")
UNITS: Final = {"currencyUSD": "$", "percentunit": "%", "s": "s", "watt": "W", "reqps": "/s", "short": ""}
Series = list[tuple[str, list[tuple[float, float]]]]


def main(name: str, target: Path) -> None:
    """Run, ask, draw."""
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / f"{name}.json").read_text())
    with tempfile.TemporaryDirectory() as folder, under_traffic(Path(folder)) as prometheus:
        begun = time.time()
        time.sleep(SECONDS)
        found = [(panel, _asked(prometheus, panel, begun, time.time())) for panel in dashboard["panels"]]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(_drawn(dashboard["title"], found)) + "\n")


def _asked(prometheus: Prometheus, panel: dict[str, Any], start: float, end: float) -> Series:
    series: Series = []
    for target in panel["targets"]:
        for each in prometheus.over(filled(target["expr"]), start, end, 1):
            legend = target["legendFormat"]
            label = ", ".join(each["metric"].values()) or ("none" if "{{" in legend else legend)
            points = [(float(at), float(value)) for at, value in each["values"] if value != "NaN"]
            if points:
                series.append((label, points))
    return series


def _drawn(title: str, found: list[tuple[dict[str, Any], Series]]) -> Iterator[str]:
    places = [panel["gridPos"] for panel, _ in found]
    height = max(place["y"] + place["h"] for place in places) * ROW + 40
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {24 * CELL} {height}" '
        'font-family="sans-serif" font-size="12" fill="#24292f">'
    )
    yield f'<rect width="{24 * CELL}" height="{height}" fill="#f4f5f7"/>'
    yield f'<text x="12" y="26" font-size="17" font-weight="bold">{escape(title)}</text>'
    for panel, series in found:
        place = panel["gridPos"]
        x, y = place["x"] * CELL + 4, place["y"] * ROW + 40
        width, tall = place["w"] * CELL - 8, place["h"] * ROW - 8
        yield f'<g transform="translate({x},{y})">'
        yield f'<rect width="{width}" height="{tall}" rx="4" fill="white" stroke="#d5d8dd"/>'
        yield f'<text x="10" y="20" font-weight="bold">{escape(panel["title"])}</text>'
        unit = UNITS[panel["fieldConfig"]["defaults"]["unit"]]
        if panel["type"] == "stat":
            value = _shown(series[0][1][-1][1], unit) if series else "no data"
            yield f'<text x="{width / 2}" y="{tall - 24}" font-size="30" text-anchor="middle">{value}</text>'
        else:
            yield from _lines(series, width, tall, unit)
        yield "</g>"
    yield "</svg>"


def _lines(series: Series, width: int, tall: int, unit: str) -> Iterator[str]:
    """A chart from 0 to its highest value, with its legend below."""
    left, top, right, bottom = 66, 34, width - 12, tall - 46
    times = [at for _, points in series for at, _ in points]
    high = max((value for _, points in series for _, value in points), default=0.0) or 1.0
    first, last = min(times, default=0.0), max(times, default=1.0)
    for part in (0.0, 0.5, 1.0):
        at = bottom - part * (bottom - top)
        yield f'<line x1="{left}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}" stroke="#e6e8eb"/>'
        mark = f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end" fill="#6b7280">'
        yield f"{mark}{_shown(part * high, unit)}</text>"
    at = left - 50.0
    for number, (label, points) in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(
            f"{left + (when - first) / max(1.0, last - first) * (right - left):.1f},"
            f"{bottom - value / high * (bottom - top):.1f}"
            for when, value in points
        )
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
        yield f'<rect x="{at:.0f}" y="{tall - 22}" width="10" height="10" fill="{colour}"/>'
        yield f'<text x="{at + 14:.0f}" y="{tall - 13}">{escape(label)}</text>'
        at += 26 + 7 * len(label)


def _shown(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value:.0%}"
    digits = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    return f"${digits}" if unit == "$" else f"{digits} {unit}".strip()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
