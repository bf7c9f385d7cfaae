"""`weir eval-sensitivity`: how much the labels find, and how often they cry wolf, on a labelled set with its scorer."""

import gzip
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import click
from rich.console import Console
from rich.table import Table

from adapters.visible import visible
from gateway.app import build
from gateway.configuration.settings import SensitivitySettings
from routers.sensitivity.classifier import Classifier
from routers.sensitivity.label import Level, Segment
from routers.sensitivity.taxonomy import TYPES, published

Z95: Final = 1.959964
HELD_OUT: Final = 3  # in ten templates, whose misses were not looked at while rules were written
BARS: Final = {  # figure → (what the scorer counts it over, the bar, whether it is a ceiling)
    "recall": ("n_pos", 0.93, False),
    "recall_pattern_tier": (None, 0.98, False),
    "recall_context_tier": (None, 0.70, False),
    "recall_secrets": (None, 0.97, False),
    "evasion_recall": (None, 0.90, False),
    "structured_request_recall": (None, 0.95, False),
    "fpr_natural": ("n_natural", 0.004, True),
    "fpr_lookalike": ("n_lookalike", 0.05, True),
}

CONTEXT: Final = {  # the set's types that take understanding; the rest shows by pattern and check
    *("STREET_ADDRESS", "DATE_OF_BIRTH", "US_DRIVER_LICENSE", "PASSPORT", "CREDIT_CARD_CVV"),
    *("BANK_ACCOUNT", "MEDICAL_RECORD_NUMBER", "HEALTH_CONDITION", "PASSWORD", "CONFIDENTIAL_MARKING"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One rate of one part of the set, against its bar."""

    part: str
    name: str
    rate: float
    count: int | None  # what it is a share of; None where the scorer does not say
    bar: float
    ceiling: bool

    @property
    def held(self) -> bool:
        """Whether the bar is met."""
        return self.rate <= self.bar if self.ceiling else self.rate >= self.bar


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of the labelled set, with score.py (default: shared/data/sensitivity beside the checkout).",
)
@click.option(
    "--predictions", type=click.Path(dir_okay=False, path_type=Path), help="Keep the predictions here."
)
def eval_sensitivity(data: Path | None, predictions: Path | None) -> None:
    """Label the set's messages, run its own scorer over the labels, and print rates with 95% Wilson intervals.

    Three templates in ten are held out: what was missed in them was not looked at while rules were written (one
    example of each family was, at the beginning). Content that
    cannot be read (pictures) is left out of account here: the set asks what is found. The exit status is 1 when a bar
    is missed on the whole set.
    """
    folder = data or _beside_the_checkout()
    if folder is None:
        raise click.ClickException("No labelled set: give its folder with --data.")
    rows = [row for file in sorted(folder.glob("*.jsonl.gz")) for row in _read(file)]
    terms = json.loads((folder / "custom_dictionary.json").read_text(encoding="utf-8"))
    classifier = build.classifier(SensitivitySettings(terms=tuple(terms)), os.environ)
    answers = {row["id"]: _answer(classifier, row) for row in rows}
    if predictions is not None:
        predictions.write_text(_lines(answers.values()), encoding="utf-8")
    held = {row["id"] for row in rows if held_out(row)}
    parts = {
        "all": rows,
        "tuned on": [row for row in rows if row["id"] not in held],
        "held out": [row for row in rows if row["id"] in held],
    }
    figures = [figure for part, subset in parts.items() for figure in _figures(part, subset, answers, folder)]
    Console().print(_table(figures))
    if not all(figure.held for figure in figures if figure.part == "all"):
        sys.exit(1)


def held_out(row: Mapping[str, Any]) -> bool:
    """Whether a message's template (or secret rule) is one of those kept aside."""
    return crc32(str(row.get("rule") or row["template"]).encode()) % 10 < HELD_OUT


def wilson(rate: float, count: int) -> tuple[float, float]:
    """The 95% interval of a rate seen over `count` messages."""
    if not count:
        return 0.0, 1.0
    spread = 1 + Z95**2 / count
    centre = (rate + Z95**2 / (2 * count)) / spread
    half = Z95 * math.sqrt(rate * (1 - rate) / count + Z95**2 / (4 * count**2)) / spread
    return max(0.0, centre - half), min(1.0, centre + half)


def _beside_the_checkout() -> Path | None:
    for folder in Path.cwd().resolve(), *Path(__file__).resolve().parents:
        candidate = folder.parent / "shared" / "data" / "sensitivity"
        if (candidate / "score.py").exists():
            return candidate
    return None


def _read(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _answer(classifier: Classifier, row: Mapping[str, Any]) -> dict[str, Any]:
    if "text" in row:
        segments = [Segment(row["text"])]
    else:
        segments = [Segment(text, origin) for origin, text in visible(row["request"], "chat").texts]
    label = classifier.label(segments)
    return {
        "id": row["id"],
        "labels": sorted({published(type_) for type_ in label.types}),
        "must_stay": label.must_stay,
    }


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def _figures(
    part: str, rows: list[dict[str, Any]], answers: Mapping[str, Mapping[str, Any]], folder: Path
) -> Iterator[Figure]:
    """The scorer's headline for these rows, run as the process it is made to be."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        with gzip.open(place / "rows.jsonl.gz", "wt", encoding="utf-8") as file:
            file.write(_lines(rows))
        (place / "answers.jsonl").write_text(_lines(answers[row["id"]] for row in rows), encoding="utf-8")
        arguments = [
            str(place / "answers.jsonl"),
            "--data",
            name,
            "--json",
            str(place / "score.json"),
            "--brief",
        ]
        scorer = [sys.executable, str(folder / "score.py"), *arguments]
        subprocess.run(scorer, check=True, capture_output=True)  # noqa: S603  # the set's own scorer, as published with it
        message = json.loads((place / "score.json").read_text(encoding="utf-8"))["message"]
    groups = {"evasion_recall": "evasion", "structured_request_recall": "structured_request"}
    for figure, (counted, bar, ceiling) in BARS.items():
        rate = message[figure]
        count = message[counted] if counted is not None else None
        if figure in groups:
            count = sum(row["group"] == groups[figure] and row["must_stay"] for row in rows)
        elif figure == "recall_secrets":
            count = sum(row["group"].startswith("secret_") and row["must_stay"] for row in rows)
        elif figure in ("recall_pattern_tier", "recall_context_tier"):
            count = sum(_tier(row) == figure for row in rows)
        if rate is not None:
            yield Figure(part, figure, rate, count, bar, ceiling)


def _tier(row: Mapping[str, Any]) -> str:
    """Which tier's recall the scorer counts a message in; empty for neither."""
    if not row["must_stay"] or row["group"] in ("evasion", "structured_request"):
        return ""
    sensitive = {
        type_ for type_ in row.get("labels", ()) if type_ in TYPES and TYPES[type_][1] >= Level.CONFIDENTIAL
    }
    return "recall_pattern_tier" if sensitive - CONTEXT else "recall_context_tier"


def _table(figures: Iterable[Figure]) -> Table:
    table = Table(title="Sensitivity labels")
    for column in ("part", "figure", "rate", "95% interval", "of", "bar", ""):
        table.add_column(column, justify="left" if column in ("part", "figure") else "right")
    for figure in figures:
        low, high = wilson(figure.rate, figure.count) if figure.count else (0.0, 0.0)
        table.add_row(
            figure.part,
            figure.name.replace("_", " "),
            f"{figure.rate:.4f}",
            f"{low:.4f} – {high:.4f}" if figure.count else "",  # noqa: RUF001  # an interval is set with a dash
            str(figure.count or ""),
            f"{'≤' if figure.ceiling else '≥'} {figure.bar}",
            "" if figure.held else "missed",
        )
    return table


if __name__ == "__main__":
    eval_sensitivity()
