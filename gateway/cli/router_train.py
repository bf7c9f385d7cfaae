"""`weir router train`: fit, cross-validate, compare, write, and promote only what has been shown to be better."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from rich.console import Console
from rich.table import Table as Sheet

from gateway.cli.router_judging import ENOUGH
from gateway.cli.router_rows import data_of, read_examples
from gateway.cli.router_weights import install, scorer_of
from routers.complexity.curve import Interval, Measured, lead, measure, resamples
from routers.complexity.example import Example
from routers.complexity.scorer import Scorer
from routers.complexity.train import Floats, Table, fit_validated, tabulate, unseen, without_faulty
from routers.complexity.weights import BadWeights

RANDOM, LENGTH, CURRENT = "random", "prompt length", "current weights"
TO_BEAT: Final = (RANDOM, LENGTH, CURRENT)


@dataclass(frozen=True, slots=True)
class Rival:
    """Another score on the rows where it can be compared fairly, and the new weights' lead over it there."""

    name: str
    rows: int
    measured: Measured
    lead: Interval


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
    examples, table = _labelled(rows, console)
    held = _to_beat(current, promote, console)
    weights, scores = fit_validated(table)
    draw = np.random.default_rng(seed)
    measured = measure(scores, table.gain, resamples(len(table), count, draw))
    rivals = compare(examples, table, scores, held, count, draw)
    console.print(_sheet(len(table), measured, rivals))
    card = {
        "made": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "by": f"weir {version('weir-gateway')}",
        "pair": pair,
        "data": data_of(rows),
        "rows": len(table),
        "needed": round(float((table.gain > 0).mean()), 4),
        "metrics": _plain(measured),
        "rivals": {
            rival.name: {"rows": rival.rows, "lead": _three(rival.lead), **_plain(rival.measured)}
            for rival in rivals
        },
        "quantiles": [round(float(q), 4) for q in np.quantile(scores, np.linspace(0, 1, 101))],
    }
    data = weights.with_card(card).to_bytes()
    console.print(f"wrote {_written(data, out, now)}")
    unbeaten = _unbeaten(rivals)
    for why in unbeaten:
        console.print(why)
    if promote is not None:
        _promote(data, promote, unbeaten, console)


def _labelled(rows: tuple[Path, ...], console: Console) -> tuple[list[Example], Table]:
    examples, faulty = without_faulty(read_examples(rows))
    for source, subject in sorted(faulty):
        console.print(
            f"left out {source} {subject}: the strong model does worse than guessing (faulty labels)"
        )
    if len(examples) < ENOUGH:
        raise click.ClickException(f"{len(examples)} labelled rows are too few: at least {ENOUGH} are needed")
    table = tabulate(examples)
    if table.gain.sum() <= 0:
        raise click.ClickException(
            "in these rows the strong model is no better than the weak one: nothing to learn"
        )
    return examples, table


def _to_beat(current: Path | None, promote: Path | None, console: Console) -> Scorer:
    """The weights in force. A file to promote that an earlier version wrote, and this one cannot read, gives way."""
    if current is None and promote is not None and promote.exists():
        try:
            return Scorer.from_bytes(promote.read_bytes())
        except BadWeights as error:
            console.print(
                f"{promote.name}: {error}. Those that ship are to be beaten instead", highlight=False
            )
    return scorer_of(current)


def compare(
    examples: Sequence[Example],
    table: Table,
    new: Floats,
    current: Scorer,
    count: int,
    draw: np.random.Generator,
) -> list[Rival]:
    """The rivals; the current weights only on rows they were not trained on, and not at all where those are few."""

    def rival(name: str, scores: Floats, rows: Any) -> Rival:
        gain, counts = table.gain[rows], resamples(len(rows), count, draw)
        return Rival(name, len(rows), measure(scores, gain, counts), lead(new[rows], scores, gain, counts))

    every, fresh = np.arange(len(table)), unseen(table, current.seen)
    rivals = [rival(RANDOM, draw.random(len(table)), every), rival(LENGTH, table.lengths, every)]
    if len(fresh) >= ENOUGH and table.gain[fresh].sum() > 0:
        scores = np.array([current.score(examples[at].conversation).value for at in fresh])
        rivals.append(rival(CURRENT, scores, fresh))
    return rivals


def _unbeaten(rivals: Sequence[Rival]) -> list[str]:
    """Why the new weights may not be promoted: a sentence for each that they are not shown to beat."""
    compared = {rival.name: rival for rival in rivals}
    why = []
    for name in TO_BEAT:
        if name not in compared:
            why.append(f"{name}: trained on nearly all of these rows, so nothing fair can be said")
        elif not compared[name].lead.low > 0:
            why.append(f"{name}: may be as good (lead {told(compared[name].lead, signed=True)})")
    return why


def _sheet(rows: int, measured: Measured, rivals: Sequence[Rival]) -> Sheet:
    """The comparison as a table."""
    title = "cross-validated by prompt"
    out = Sheet("score", "rows", "APGR [95%]", "CPT50 %", "CPT80 %", "lead of the new", title=title)
    lines = [
        ("new weights", rows, measured, ""),
        *((r.name, r.rows, r.measured, told(r.lead, signed=True)) for r in rivals),
    ]
    for name, of, one, won in lines:
        out.add_row(name, str(of), told(one.apgr), told(one.cpt50, digits=0), told(one.cpt80, digits=0), won)
    return out


def told(one: Interval, *, digits: int = 3, signed: bool = False) -> str:
    """A value with its interval, as 0.612 [0.590, 0.634]."""
    form = f"{'+' if signed else ''}.{digits}f"
    return f"{one.value:{form}} [{one.low:{form}}, {one.high:{form}}]"


def _plain(one: Measured) -> dict[str, list[float]]:
    return {"apgr": _three(one.apgr), "cpt50": _three(one.cpt50), "cpt80": _three(one.cpt80)}


def _three(one: Interval) -> list[float]:
    return [round(one.value, 4), round(one.low, 4), round(one.high, 4)]


def _written(data: bytes, out: Path, now: datetime) -> Path:
    """Writes the weights under their date and hash, once: a name never changes its content."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"complexity-{now:%Y%m%dT%H%M%SZ}-{sha256(data).hexdigest()[:8]}.weights"
    install(data, path)
    return path


def _promote(data: bytes, target: Path, unbeaten: Sequence[str], console: Console) -> None:
    if unbeaten:
        raise click.ClickException(
            f"not promoted, {target} stays as it was. Not shown to be beaten: {'; '.join(unbeaten)}. "
            "More labels, or labels closer to the traffic, narrow the interval."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    install(data, target)
    console.print(f"promoted to {target}; in force where the configuration names it (complexity.weights)")
