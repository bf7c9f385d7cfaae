"""`weir router report`: one page a person can judge the score by, in a file that loads nothing."""

from collections import defaultdict
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console

from gateway.cli.router_judging import Judged, judge
from gateway.cli.router_plot import Frame, band, bars, chart, dots, line, stem
from gateway.cli.router_train import told
from gateway.cli.router_weights import scorer_of
from routers.complexity.curve import (
    Floats,
    Measured,
    apgr,
    calibration_error,
    lead,
    measure,
    points,
    reliability,
    resamples,
)
from routers.complexity.train import Table

_SHARES: Final = np.linspace(0, 1, 101)
_LEAST_SUBJECT: Final = 20  # rows under which a subject's own curve is not drawn into the table

_STYLE: Final = """
:root{--ink:#1c2733;--soft:#5b6b7a;--paper:#fff;--line:#dde4ea;--a:#0b6e99;--b:#9a6b00;--c:#7a7f87;--d:#2f7d4f}
@media (prefers-color-scheme:dark){:root{--ink:#e8edf2;--soft:#9fb0bf;--paper:#11181f;--line:#2a3641;--a:#4db6e2;
--b:#e0b04c;--c:#8b95a1;--d:#6cc48f}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1180px;margin:2rem auto;
padding:0 1rem}h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:0 0 .3rem}p{margin:.3rem 0 .8rem}
.soft,figcaption{color:var(--soft);font-size:.88rem}.grid2{display:grid;grid-template-columns:repeat(auto-fit,
minmax(430px,1fr));gap:1.6rem;margin:1.4rem 0}figure{margin:0}svg{width:100%;height:auto}
.grid{stroke:var(--line)}.tick,.title{fill:var(--soft);font-size:11px}.title{font-size:12px}
.line{fill:none;stroke-width:2}.a{stroke:var(--a)}.b{stroke:var(--b);stroke-dasharray:5 3}.c{stroke:var(--c);
stroke-dasharray:2 3}.d{stroke:var(--d)}.band{stroke:none;opacity:.18}.band.a{fill:var(--a)}
.bar.a{fill:var(--a);stroke:none;opacity:.75}.dot.a{fill:var(--a);stroke:none}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.22rem .8rem .22rem 0;text-align:right;
border-bottom:1px solid var(--line)}td:first-child,th:first-child{text-align:left}th{font-weight:600}
.key{display:inline-block;width:1.6em;border-top:3px solid;vertical-align:middle;margin:0 .35em 0 .9em}
"""


def run(
    rows: tuple[Path, ...], out: Path, weights: Path | None, count: int, seed: int, now: datetime
) -> None:
    """The command: see its help."""
    judged = judge(rows, scorer_of(weights))
    counts = resamples(len(judged.table), count, np.random.default_rng(seed))
    name = weights.name if weights else "the weights that ship"
    out.write_text(page(judged, counts, name, now), encoding="utf-8")
    Console().print(f"wrote {out}")


def page(judged: Judged, counts: Floats, name: str, now: datetime) -> str:
    """The whole page."""
    table, scores = judged.table, judged.scores
    measured = measure(scores, table.gain, counts)
    needed = (table.gain > 0).astype(np.float64)
    ahead = lead(scores, table.lengths, table.gain, counts)
    claim = (
        "It beats prompt length"
        if ahead.low > 0
        else "Prompt length beats it"
        if ahead.high < 0
        else "It is not shown to beat prompt length"
    )
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Weir: the complexity score</title>
<style>{_STYLE}</style></head><body>
<h1>The complexity score</h1>
<p class="soft">{escape(name)} on {len(table):,} labelled rows · {now:%Y-%m-%d %H:%M} UTC. {escape(judged.origin)}</p>
<p>APGR {told(measured.apgr)} (random 0.5). {claim}: lead {told(ahead, signed=True)}.
Half of the strong model's advantage needs {told(measured.cpt50, digits=0)}% of calls,
80% of it {told(measured.cpt80, digits=0)}%. The strong model was needed in
{needed.mean():.0%} of the rows. Intervals are 95%, by bootstrap over rows.</p>
<div class="grid2">{_curve(judged, counts, measured)}{_histogram(scores)}{_calibration(scores, needed)}</div>
<h2>By subject</h2>{_subjects(table, scores)}
</body></html>
"""


def _curve(judged: Judged, counts: Floats, measured: Measured) -> str:
    gain, scores = judged.table.gain, judged.scores
    drawn = points(scores, gain, _SHARES, counts)
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    best = points(gain, gain, _SHARES)[0]
    top = max(1.0, float(np.ceil(best.max() * 4) / 4))
    frame = Frame("share of calls to the strong model (cost)", "advantage recovered (quality)", y=(0.0, top))
    marks = (
        band(frame, _pairs(low), _pairs(high), "a"),
        line(frame, [(0, 0), (1, 1)], "c", "random"),
        line(frame, _pairs(best), "d", "oracle"),
        line(frame, _pairs(points(judged.table.lengths, gain, _SHARES)[0]), "b", "prompt length"),
        line(frame, _pairs(points(scores, gain, _SHARES)[0]), "a", "score"),
    )
    keys = (("a", "score, with its 95% band"), ("b", "prompt length"), ("c", "random"), ("d", "oracle"))
    legend = "".join(
        f'<span class="key" style="border-color:var(--{key})"></span>{said}' for key, said in keys
    )
    label = f"Cost-quality curve: APGR {measured.apgr.value:.3f}"
    return _figure("What a strong call buys", chart(frame, label, *marks), legend)


def _pairs(values: Floats) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in zip(_SHARES, np.clip(values, -0.05, None), strict=True)]


def _histogram(scores: Floats) -> str:
    edges = np.linspace(0, 1, 41)
    shares = np.histogram(scores, edges)[0] / len(scores)
    top = max(float(np.ceil(shares.max() * 20) / 20), 0.05)
    frame = Frame("score", "share of rows", y=(0.0, top), x_percent=False)
    low, middle, high = np.quantile(scores, [0.1, 0.5, 0.9])
    said = f"Median {middle:.2f}; eight in ten rows score between {low:.2f} and {high:.2f}."
    marks = bars(frame, edges.tolist(), shares.tolist(), "a")
    return _figure("How scores are spread", chart(frame, "Histogram of scores", marks), said)


def _calibration(scores: Floats, needed: Floats) -> str:
    bands = reliability(scores, needed)
    frame = Frame("score (chance said)", "strong model needed (share seen)")
    marks = [line(frame, [(0, 0), (1, 1)], "c", "perfectly calibrated")]
    for one in bands:
        half = 1.96 * (one.needed * (1 - one.needed) / one.rows) ** 0.5
        marks.append(stem(frame, one.score, max(one.needed - half, 0), min(one.needed + half, 1), "a"))
    said = [
        (one.score, one.needed, f"said {one.score:.2f}, seen {one.needed:.2f} in {one.rows} rows")
        for one in bands
    ]
    marks.append(dots(frame, said, "a"))
    note = f"Ten bands of equally many rows; mean distance {calibration_error(bands):.3f}."
    return _figure("Whether the chance can be believed", chart(frame, "Calibration", *marks), note)


def _figure(title: str, drawing: str, caption: str) -> str:
    return f"<figure><h2>{title}</h2>{drawing}<figcaption>{caption}</figcaption></figure>"


def _subjects(table: Table, scores: Floats) -> str:
    """A row per subject: how often the strong model is needed, what was said, and the ranking within it."""
    rows: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for at, of in enumerate(zip(table.sources, table.subjects, strict=True)):
        rows[of].append(at)
    body = "".join(_subject(of, np.array(at), table, scores) for of, at in sorted(rows.items()))
    return (
        "<table><thead><tr><th>subject</th><th>rows</th><th>gain of the strong model</th><th>needed</th>"
        f"<th>mean score</th><th>APGR within</th></tr></thead><tbody>{body}</tbody></table>"
        '<p class="soft">Within one subject most rankings rest on few rows: a value near 0.5 is no ranking at all, and '
        f"none is given under {_LEAST_SUBJECT} rows or where the strong model is no better there.</p>"
    )


def _subject(of: tuple[str, str], at: Any, table: Table, scores: Floats) -> str:
    gain = table.gain[at]
    known = len(at) >= _LEAST_SUBJECT and gain.mean() > 0.02
    within = f"{float(apgr(scores[at], gain)[0]):.2f}" if known else "-"
    name = " · ".join(part for part in of if part) or "all rows"
    return (
        f"<tr><td>{escape(name)}</td><td>{len(at)}</td><td>{gain.mean():+.3f}</td><td>{(gain > 0).mean():.0%}</td>"
        f"<td>{scores[at].mean():.2f}</td><td>{within}</td></tr>"
    )
