"""`weir eval-complexity`: what the score is worth, on prompts, subjects and sources that it has not seen."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from rich.console import Console
from rich.table import Table as Sheet

from gateway.cli.router_baseline import hashed
from gateway.cli.router_learning import (
    TOLD,
    Curves,
    against_told,
    learning_curves,
    learning_sheet,
    learning_values,
)
from gateway.cli.router_rows import read_examples, read_rows
from gateway.cli.router_train import told
from gateway.cli.router_weights import scorer_of
from routers.complexity.curve import Floats, Interval, Measured, apgr, lead, measure, resamples
from routers.complexity.train import (
    Ints,
    Table,
    cross_validated,
    fit_model,
    folds_of,
    tabulate,
    without_faulty,
)

PROMPT_FOLDS: Final = 10
REPEATS: Final = (
    3  # cross-validations by prompt, dealt anew and averaged: one deal alone moves APGR by ±0.006
)
SUBJECT_FOLDS: Final = 8
_STEPS: Final = "solution_steps"  # in files without labels: how long a worked solution is


@dataclass(frozen=True, slots=True)
class Figure:
    """The score on one set it has not seen, beside prompt length."""

    name: str  # prompt:mmlu, subject:mmlu, transfer:mmlu, pooled:mmlu
    rows: int
    measured: Measured
    length: float  # APGR of prompt length
    lead: Interval  # of the score over length

    @property
    def verdict(self) -> str:
        """What the interval supports, and no more."""
        if self.lead.low > 0:
            return "beats length"
        return "loses to length" if self.lead.high < 0 else "not shown to beat length"


def run(data: Path, json_out: Path | None, require: Sequence[str], count: int, seed: int) -> None:
    """The command: see its help."""
    console = Console()
    table, words = _labelled(data, console)
    draw = np.random.default_rng(seed)
    with console.status("fitting"):
        figures = [_figure(*held, count, draw) for held in _held_out(table)]
    console.print(_sheet(figures))
    values = {figure.name: figure.measured.apgr.value for figure in figures}
    for protocol in ("prompt", "subject", "transfer"):
        values[f"{protocol}:mean"] = float(
            np.mean([value for name, value in values.items() if name.startswith(f"{protocol}:")])
        )
        console.print(f"{protocol}: mean APGR {values[f'{protocol}:mean']:.3f}")
    with console.status("learning curve"):
        learning = learning_curves(table, words, draw)
    console.print(learning_sheet(learning))
    for line in against_told(learning):
        console.print(line, highlight=False)
    values |= learning_values(learning)
    _steps(data, console)
    if json_out is not None:
        json_out.write_text(json.dumps(_plain(figures, values, learning), indent=1) + "\n")
    _require(require, values, console)


def _labelled(data: Path, console: Console) -> tuple[Table, list[Ints]]:
    """The labelled rows, and their words for the yardstick."""
    paths = [path for path in sorted(data.glob("*.jsonl.gz")) if "strong" in next(read_rows([path])).values]
    if not paths:
        raise click.ClickException(f"{data} holds no labelled *.jsonl.gz")
    examples, faulty = without_faulty(read_examples(paths))
    for source, subject in sorted(faulty):
        console.print(f"left out {source} {subject}: faulty labels")
    return tabulate(examples), hashed(examples)


def _by_source(table: Table) -> Iterator[tuple[str, Table]]:
    sources = np.array(table.sources)
    for source in sorted(set(table.sources)):
        yield source, table.take(np.flatnonzero(sources == source))


def _subject_numbers(table: Table) -> Ints:
    names = [f"{source}/{subject}" for source, subject in zip(table.sources, table.subjects, strict=True)]
    return np.unique(np.array(names), return_inverse=True)[1].astype(np.int64)


def _held_out(table: Table) -> Iterator[tuple[str, Table, Floats]]:
    """Each protocol on each source: its name, the rows, and raw scores (of each repeat) from models that saw none."""
    for source, own in _by_source(table):
        turns = [cross_validated(own, folds_of(own.keys, PROMPT_FOLDS, turn)) for turn in range(REPEATS)]
        yield f"prompt:{source}", own, np.array(turns)
    for source, own in _by_source(table):
        yield f"subject:{source}", own, cross_validated(own, folds_of(_subject_numbers(own), SUBJECT_FOLDS))
    sources = np.array(table.sources)
    for source in sorted(set(table.sources)):
        held = np.flatnonzero(sources == source)
        others = np.flatnonzero((sources != source) & ~np.isin(table.keys, table.keys[held]))
        yield f"transfer:{source}", table.take(held), fit_model(table.take(others)).raw(table.take(held))
    together = cross_validated(table, folds_of(table.keys, PROMPT_FOLDS))
    for source in sorted(set(table.sources)):
        held = np.flatnonzero(sources == source)
        yield f"pooled:{source}", table.take(held), together[held]


def _figure(name: str, table: Table, raw: Floats, count: int, draw: np.random.Generator) -> Figure:
    counts = resamples(len(table), count, draw)
    return Figure(
        name,
        len(table),
        measure(raw, table.gain, counts),
        float(apgr(table.lengths, table.gain)[0]),
        lead(raw, table.lengths, table.gain, counts),
    )


def _steps(data: Path, console: Console) -> None:
    """Where a file tells how long solutions are: whether the shipped score, never trained on it, rises with that."""
    for path in sorted(data.glob("*.jsonl.gz")):
        if _STEPS not in next(read_rows([path])).values:
            continue
        scorer, scores, steps = scorer_of(None), [], []
        for row in read_rows([path]):
            scores.append(scorer.score(row.conversation).value)
            steps.append(float(row.values[_STEPS]))
        ranks = np.corrcoef(_ranks(np.array(scores)), _ranks(np.array(steps)))[0, 1]
        console.print(
            f"{path.name}: rank correlation of the shipped score with the steps of a solution {ranks:.2f}"
        )


def _ranks(values: Floats) -> Floats:
    _, at, rows = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(rows)
    middle: Floats = (ends - (rows - 1) / 2)[at]
    return middle


def _sheet(figures: Sequence[Figure]) -> Sheet:
    out = Sheet(
        "unseen", "rows", "APGR [95%]", "CPT50 %", "CPT80 %", "length", "lead [95%]", "", title_justify="left"
    )
    for figure in figures:
        measured = figure.measured
        out.add_row(
            figure.name,
            str(figure.rows),
            told(measured.apgr),
            f"{measured.cpt50.value:.0f}",
            f"{measured.cpt80.value:.0f}",
            f"{figure.length:.3f}",
            told(figure.lead, signed=True),
            figure.verdict,
        )
    return out


def _plain(
    figures: Sequence[Figure],
    values: Mapping[str, float],
    learning: Curves,
) -> dict[str, Any]:
    return {
        "figures": {
            figure.name: {
                "rows": figure.rows,
                "apgr": [figure.measured.apgr.value, figure.measured.apgr.low, figure.measured.apgr.high],
                "cpt50": figure.measured.cpt50.value,
                "cpt80": figure.measured.cpt80.value,
                "length": figure.length,
                "lead": [figure.lead.value, figure.lead.low, figure.lead.high],
                "verdict": figure.verdict,
            }
            for figure in figures
        },
        "means": {name: value for name, value in values.items() if ":mean" in name},
        "learning": {
            of: {
                str(labels): {
                    "own": each.own,
                    "plain": each.plain,
                    "lead": [each.lead.value, each.lead.low, each.lead.high],
                    "told": TOLD[labels],
                }
                for labels, each in curve.items()
            }
            for of, curve in learning.items()
        },
    }


def _require(require: Sequence[str], values: Mapping[str, float], console: Console) -> None:
    missed = []
    for wanted in require:
        name, _, least = wanted.partition(">=")
        try:
            bar = float(least)
        except ValueError:
            raise click.UsageError(f"--require {wanted!r}: write NAME>=APGR") from None
        if name not in values:
            raise click.UsageError(
                f"--require {wanted!r}: there is no figure {name!r}, only {', '.join(values)}"
            )
        met = values[name] >= bar
        console.print(f"{'met   ' if met else 'MISSED'} {name} {values[name]:.4f} >= {bar}")
        if not met:
            missed.append(name)
    if missed:
        raise click.ClickException(f"{len(missed)} figures are below what is required: {', '.join(missed)}")
