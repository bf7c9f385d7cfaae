"""`weir router train`: fit, cross-validate, compare, write, and promote only what has been shown to be better."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from rich.console import Console
from rich.table import Table as Sheet

from gateway.cli.router_rows import digest, read_examples
from gateway.cli.router_weights import scorer_of
from routers.complexity.curve import Interval, Measured, lead, measure, resamples
from routers.complexity.example import Example
from routers.complexity.scorer import Scorer
from routers.complexity.train import Floats, Table, chances, fit_validated, tabulate, without_faulty

LEAST_ROWS: Final = 50  # under this no interval says anything
BASELINES: Final = ("random", "prompt length", "current weights")


def run(
    rows: tuple[Path, ...],
    out: Path,
    promote: Path | None,
    current: Path | None,
    pair: str,
    count: int,
    seed: int,
    now: datetime,
) -> None:
    """The command: see its help. Exits with 1 where a promotion was asked for and refused."""
    console = Console()
    examples, faulty = without_faulty(read_examples(rows))
    for source, subject in sorted(faulty):
        console.print(
            f"left out {source} {subject}: the strong model answers worse than by guessing (faulty labels)"
        )
    if len(examples) < LEAST_ROWS:
        raise click.ClickException(
            f"{len(examples)} labelled rows are too few: at least {LEAST_ROWS} are needed"
        )
    table = tabulate(examples)
    if table.gain.sum() <= 0:
        raise click.ClickException(
            "in these rows the strong model is no better than the weak one: nothing to learn"
        )
    if promote is not None and current is None and promote.exists():
        current = promote
    held = scorer_of(current)
    weights, raw = fit_validated(table)
    draw = np.random.default_rng(seed)
    counts = resamples(len(table), count, draw)
    scores = {"new weights": raw, **baselines(examples, table, held, draw)}
    measured = {name: measure(score, table.gain, counts) for name, score in scores.items()}
    leads = {name: lead(raw, scores[name], table.gain, counts) for name in BASELINES}
    console.print(sheet(f"{len(table)} labels, cross-validated by prompt", measured, leads))
    card = {
        "made": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "by": f"weir {version('weir-gateway')}",
        "pair": pair,
        "data": [{"file": path.name, "sha256": digest(path)} for path in rows],
        "rows": len(table),
        "needed": round(float((table.gain > 0).mean()), 4),
        "metrics": {name: _told(one) for name, one in measured.items()},
        "leads": {name: _interval(one) for name, one in leads.items()},
        "quantiles": [round(float(q), 4) for q in np.quantile(chances(weights, raw), np.linspace(0, 1, 101))],
    }
    data = weights.with_card(card).to_bytes()
    path = _written(data, out, now)
    console.print(f"wrote {path}")
    if overlap := {each["sha256"] for each in held.card.get("data", ())} & {digest(path) for path in rows}:
        console.print(
            f"the current weights were trained on {len(overlap)} of these files: their figures flatter them"
        )
    refused = [name for name in BASELINES if not leads[name].low > 0]
    if refused:
        console.print(f"not shown to beat: {', '.join(refused)} (the lower bound of the lead is not above 0)")
    if promote is not None:
        _promote(data, promote, refused, console)


def baselines(
    examples: Sequence[Example], table: Table, current: Scorer, draw: np.random.Generator
) -> dict[str, Floats]:
    """What a new score has to beat, by name as in BASELINES."""
    scored = [current.score(example.conversation).value for example in examples]
    return {
        "random": draw.random(len(table)),
        "prompt length": table.lengths,
        "current weights": np.array(scored),
    }


def sheet(title: str, measured: Mapping[str, Measured], leads: Mapping[str, Interval]) -> Sheet:
    """The comparison as a table."""
    out = Sheet(
        "score",
        "APGR [95%]",
        "CPT50 %",
        "CPT80 %",
        "lead of the new weights",
        title=title,
        title_justify="left",
    )
    for name, one in measured.items():
        won = told(leads[name], signed=True) if name in leads else ""
        out.add_row(name, told(one.apgr), told(one.cpt50, digits=0), told(one.cpt80, digits=0), won)
    return out


def told(one: Interval, *, digits: int = 3, signed: bool = False) -> str:
    """A value with its interval, as 0.612 [0.590, 0.634]."""
    form = f"{'+' if signed else ''}.{digits}f"
    return f"{one.value:{form}} [{one.low:{form}}, {one.high:{form}}]"


def _told(one: Measured) -> dict[str, Any]:
    return {"apgr": _interval(one.apgr), "cpt50": _interval(one.cpt50), "cpt80": _interval(one.cpt80)}


def _interval(one: Interval) -> list[float]:
    return [round(one.value, 4), round(one.low, 4), round(one.high, 4)]


def _written(data: bytes, out: Path, now: datetime) -> Path:
    """Writes the weights under their date and hash, once: a name never changes its content."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"complexity-{now:%Y%m%dT%H%M%SZ}-{sha256(data).hexdigest()[:8]}.weights"
    _install(data, path)
    return path


def _promote(data: bytes, target: Path, refused: Sequence[str], console: Console) -> None:
    unbeaten = [name for name in refused if name != "random"]
    if unbeaten:
        raise click.ClickException(
            f"not promoted: {' and '.join(unbeaten)} may be as good. {target} stays as it was; "
            "more labels, or labels closer to the traffic, narrow the interval."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    _install(data, target)
    console.print(f"promoted to {target}")


def _install(data: bytes, path: Path) -> None:
    """Replaces the file in one step, so that no reader sees half of it."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.replace(path)
