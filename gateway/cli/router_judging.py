"""Scores on labelled rows that their weights have not seen: what a report and a calibration may rest on."""

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from gateway.cli.router_rows import read_examples
from routers.complexity.scorer import Scorer
from routers.complexity.train import Floats, Table, fit_validated, tabulate, unseen, without_faulty

ENOUGH = 50  # rows under which no interval says anything


@dataclass(frozen=True, slots=True)
class Judged:
    """Scores on labelled rows, and where they come from."""

    table: Table
    scores: Floats
    origin: str  # in a sentence or two


def judge(rows: tuple[Path, ...], scorer: Scorer) -> Judged:
    """Scores of the rows that the weights were not trained on; of all rows, cross-validated, where too few are left.

    Raises ClickException where the rows show no gap between the models.
    """
    examples, faulty = without_faulty(read_examples(rows))
    table = tabulate(examples)
    fresh = unseen(table, scorer.seen)
    if len(fresh) < min(ENOUGH, len(table)):
        _, scores = fit_validated(table)
        origin = "The weights were trained on these rows, so scores are cross-validated by prompt."
    else:
        table = table.take(fresh)
        scores = np.array([scorer.score(examples[at].conversation).value for at in fresh])
        origin = "The weights were not trained on these rows."
        if len(fresh) < len(examples):
            origin += f" {len(examples) - len(fresh)} rows that they were trained on are left out."
    if faulty:
        origin += f" Left out for faulty labels: {', '.join(sorted(of[1] for of in faulty))}."
    if not len(table) or table.gain.sum() <= 0:
        raise click.ClickException(
            "in these rows the strong model is no better than the weak one: nothing to gain"
        )
    return Judged(table, scores, origin)
