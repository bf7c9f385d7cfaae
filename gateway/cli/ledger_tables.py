"""How the ledger's sums are asked for and shown: by which dimensions, as a table for people or rows for machines."""

import csv
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import click
import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from gateway.ledger.sums import Answer, Question

SHAPE: Final = click.option(
    "--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True
)


def grouped_by(question: Question[Any], default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option --by of a question: names of its dimensions, separated by commas."""

    def names(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
        found = tuple(name.strip() for name in value.split(",") if name.strip())
        for name in found:
            if name not in question.dimensions:
                raise click.BadParameter(f"{name!r} is not one of {', '.join(question.dimensions)}")
        return found

    help_text = f"Group by these, in this order: {', '.join(question.dimensions)}."
    return click.option("--by", default=default, show_default=True, callback=names, help=help_text)


def write(rows: Sequence[dict[str, Any]], shape: str) -> None:
    """Rows as JSON or CSV; money and time to the last digit."""
    if shape == "json":
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    elif rows:
        writer = csv.DictWriter(sys.stdout, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)


def console() -> Console:
    """A terminal as wide as it is; a pipe wide enough to cut nothing."""
    return Console(width=None if sys.stdout.isatty() else 200)


def sums_table(
    by: Sequence[str],
    names: Sequence[str],
    found: Sequence[Answer],
    figures: Callable[[Sequence[Answer]], tuple[str, ...]],
) -> Table:
    """Rows by their dimensions, with a last row for all of them."""
    table = Table(show_footer=bool(found), footer_style="bold", box=SIMPLE_HEAD, padding=0, pad_edge=False)
    for name in by:
        table.add_column(name, overflow="fold", min_width=6, no_wrap=name in ("day", "hour"))
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for each in found:
        table.add_row(*(value or "-" for value in each.by), *figures([each]))
    for column, text in zip(table.columns[len(by) :], figures(found), strict=True):
        column.footer = text
    if by:
        table.columns[0].footer = "total"
    return table


def missing(count: int) -> str:
    """A count of what is not in a sum, so that it is seen."""
    return f"[yellow]{short(count)}[/yellow]" if count else "0"


def short(count: int) -> str:
    """9,999 as it is, 72000 as 72.0k, 3100000 as 3.10M."""
    if count < 10_000:
        return f"{count:,}"
    thousands, unit = next(
        (power, unit) for power, unit in ((3, "G"), (2, "M"), (1, "k")) if count >= 1000**power
    )
    scaled = count / 1000**thousands
    return f"{scaled:.{2 if scaled < 10 else 1}f}{unit}"
