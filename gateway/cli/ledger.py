"""`weir ledger`: what was spent, the rows behind it, and whether they still are what was booked."""

import csv
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TextIO

import click
import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from gateway.cli.ledger_options import FROM, STORE, STORE_DEFAULT, TO, opened, span
from gateway.cli.ledger_prune import prune
from gateway.cli.ledger_report import report
from gateway.cli.ledger_rerate import rerate
from gateway.ledger.encoding import SHAPES, plain_decimal
from gateway.ledger.records import Kind
from gateway.ledger.store import Store
from gateway.ledger.sums import ACTIONS, GPU_TIME, RERATED, SPENT, Answer, GpuTime, Question, Spend
from gateway.ledger.verify import Verified, compare, verify_journal, verify_store
from gateway.ledger.workflows import ActionCost, action_costs

_ZERO: Final = Decimal(0)
_SHAPE: Final = click.option(
    "--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True
)


@click.group()
def ledger() -> None:
    """Query, export and verify what was booked."""


def _by(question: Question[Any], default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option --by of a question: names of its dimensions, separated by commas."""

    def names(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
        found = tuple(name.strip() for name in value.split(",") if name.strip())
        for name in found:
            if name not in question.dimensions:
                raise click.BadParameter(f"{name!r} is not one of {', '.join(question.dimensions)}")
        return found

    help_text = f"Group by these, in this order: {', '.join(question.dimensions)}."
    return click.option("--by", default=default, show_default=True, callback=names, help=help_text)


@ledger.command()
@STORE
@FROM
@TO
@_by(SPENT, "day,tenant,route")
@_SHAPE
def query(store: str, start: datetime | None, end: datetime | None, by: tuple[str, ...], shape: str) -> None:
    """What was spent, by day, tenant and route, or as --by says.

    Money whose price is unknown is not in the sums; the column `unpriced` counts the attempts it is missing
    for. GPU time and its money are what requests were told at once; `weir ledger gpu` has the final figures.
    """
    with opened(store) as kept:
        found = kept.sums(SPENT, by, *span(start, end))
        again = _rerated(kept, "attempt", by, span(start, end))
    fields = [
        {
            **dict(zip(by, each.by, strict=True)),
            "attempts": each.attempts,
            "input_tokens": each.input_tokens,
            "cached_tokens": each.cached_tokens,
            "output_tokens": each.output_tokens,
            "usd": plain_decimal(each.usd),
            "usd_rerated": plain_decimal(each.usd + again.get(each.by, _ZERO)),
            "unpriced": each.unpriced,
            "gpu_seconds": _seconds(each.gpu_ns),
        }
        for each in found
    ]
    if shape == "table":
        names = ("calls", "in", "cached", "out", "USD", "unpriced", "GPU-s")
        _console().print(_table(by, names, found, _spend_figures))
        _say_rerated(again, sum((each.usd for each in found), _ZERO))
    else:
        _write(fields, shape)


@ledger.command()
@STORE
@FROM
@TO
@_by(GPU_TIME, "day,backend,use")
@_SHAPE
def gpu(store: str, start: datetime | None, end: datetime | None, by: tuple[str, ...], shape: str) -> None:
    """What the GPUs' time went on: requests, foreign traffic, waiting, idle, unobserved.

    These are the final figures of closed windows, corrections included. All uses together are the GPU-seconds
    that were provisioned.
    """
    with opened(store) as kept:
        found = kept.sums(GPU_TIME, by, *span(start, end))
        again = _rerated(kept, "gpu", by, span(start, end))
    fields = [
        {
            **dict(zip(by, each.by, strict=True)),
            "gpu_seconds": _seconds(each.gpu_ns),
            "usd": plain_decimal(each.usd),
            "usd_rerated": plain_decimal(each.usd + again.get(each.by, _ZERO)),
            "unpriced": each.unpriced,
        }
        for each in found
    ]
    if shape == "table":
        _console().print(_table(by, ("GPU-s", "USD", "unpriced"), found, _gpu_figures))
        _say_rerated(again, sum((each.usd for each in found), _ZERO))
    else:
        _write(fields, shape)


@ledger.command()
@STORE
@FROM
@TO
@click.option(
    "--by",
    default="workflow",
    show_default=True,
    callback=lambda _context, _parameter, value: tuple(filter(None, map(str.strip, value.split(",")))),
    help="Group by these, in this order: day, hour, tenant, workflow.",
)
@_SHAPE
def actions(
    store: str, start: datetime | None, end: datetime | None, by: tuple[str, ...], shape: str
) -> None:
    """What actions cost, and what each success did, by workflow or as --by says.

    All spend counts: retries, failures, final GPU figures, and the workflow's share of the time that GPUs stood
    idle. Coverage is the share of the actions whose outcome is known. Later feedback is in these figures.
    """
    if unknown := [name for name in by if name not in ACTIONS.dimensions or name == "outcome"]:
        raise click.BadParameter(
            f"{unknown[0]!r} is not one of day, hour, tenant, workflow", param_hint="--by"
        )
    with opened(store) as kept:
        found = action_costs(kept, by, *span(start, end))
    if shape != "table":
        _write([{**dict(zip(by, each.by, strict=True)), **_action_fields(each)} for each in found], shape)
        return
    names = ("actions", "successes", "coverage", "USD", "idle USD", "USD/action", "USD/success", "unpriced")
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False)
    for name in by:
        table.add_column(name, overflow="fold", min_width=6)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for each in found:
        table.add_row(*(value or "-" for value in each.by), *_action_figures(each))
    _console().print(table)


def _action_fields(cost: ActionCost) -> dict[str, Any]:
    return {
        "actions": cost.actions,
        "successes": cost.successes,
        "failures": cost.failures,
        "coverage": cost.coverage,
        "usd": plain_decimal(cost.usd),
        "idle_usd": plain_decimal(cost.idle_usd),
        "usd_per_action": None if cost.per_action is None else plain_decimal(cost.per_action),
        "usd_per_success": None if cost.per_success is None else plain_decimal(cost.per_success),
        "unpriced": cost.unpriced,
    }


def _action_figures(cost: ActionCost) -> tuple[str, ...]:
    return (
        _short(cost.actions),
        _short(cost.successes),
        "-" if cost.coverage is None else f"{cost.coverage:.1%}",
        f"{cost.usd:,.4f}",
        f"{cost.idle_usd:,.4f}",
        "-" if cost.per_action is None else f"{cost.per_action:,.6f}",
        "-" if cost.per_success is None else f"{cost.per_success:,.6f}",
        _missing(cost.unpriced),
    )


def _rerated(
    kept: Store, of: str, by: tuple[str, ...], asked: tuple[int, int]
) -> dict[tuple[str, ...], Decimal]:
    """What re-ratings add, by the same dimensions."""
    return {each.by[1:]: each.usd for each in kept.sums(RERATED, ("of", *by), *asked) if each.by[0] == of}


def _say_rerated(again: dict[tuple[str, ...], Decimal], booked: Decimal) -> None:
    """A line under a table of what was booked."""
    if again:
        delta = sum(again.values(), _ZERO)
        click.echo(f"Re-rated since it was booked: {delta:+,.4f} USD, {booked + delta:,.4f} USD in all.")


def _seconds(ns: int) -> str:
    return plain_decimal(Decimal(ns).scaleb(-9))


def _write(rows: Sequence[dict[str, Any]], shape: str) -> None:
    """Rows as JSON or CSV; money and time to the last digit."""
    if shape == "json":
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    elif rows:
        writer = csv.DictWriter(sys.stdout, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)


def _console() -> Console:
    """A terminal as wide as it is; a pipe wide enough to cut nothing."""
    return Console(width=None if sys.stdout.isatty() else 200)


def _table(
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


def _spend_figures(spends: Sequence[Spend]) -> tuple[str, ...]:
    """The sums of some rows as a person reads them; JSON and CSV have every digit."""
    return (
        _short(sum(spend.attempts for spend in spends)),
        _short(sum(spend.input_tokens for spend in spends)),
        _short(sum(spend.cached_tokens for spend in spends)),
        _short(sum(spend.output_tokens for spend in spends)),
        f"{sum((spend.usd for spend in spends), Decimal(0)):,.4f}",
        _missing(sum(spend.unpriced for spend in spends)),
        f"{sum(spend.gpu_ns for spend in spends) / 1e9:,.1f}",
    )


def _gpu_figures(times: Sequence[GpuTime]) -> tuple[str, ...]:
    return (
        f"{sum(time.gpu_ns for time in times) / 1e9:,.3f}",
        f"{sum((time.usd for time in times), Decimal(0)):,.4f}",
        _missing(sum(time.unpriced for time in times)),
    )


def _missing(count: int) -> str:
    return f"[yellow]{_short(count)}[/yellow]" if count else "0"


def _short(count: int) -> str:
    """9,999 as it is, 72000 as 72.0k, 3100000 as 3.10M."""
    if count < 10_000:
        return f"{count:,}"
    thousands, unit = next(
        (power, unit) for power, unit in ((3, "G"), (2, "M"), (1, "k")) if count >= 1000**power
    )
    scaled = count / 1000**thousands
    return f"{scaled:.{2 if scaled < 10 else 1}f}{unit}"


@ledger.command()
@STORE
@FROM
@TO
@click.option(
    "--kind", type=click.Choice([*SHAPES]), default="attempt", show_default=True, help="Which records."
)
@click.option("--format", "shape", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option(
    "--output", type=click.File("w", lazy=True), default="-", help="Where to write.  [default: stdout]"
)
def export(
    store: str, start: datetime | None, end: datetime | None, kind: Kind, shape: str, output: TextIO
) -> None:
    """Write records with all their fields, as JSON lines or CSV. Money stays exact: it is text."""
    record_shape = SHAPES[kind]
    writer = csv.writer(output)
    if shape == "csv":
        writer.writerow(record_shape.names)
    with opened(store) as kept:
        for record in kept.records(kind, *span(start, end)):
            if shape == "csv":
                writer.writerow(record_shape.row(orjson.loads(record_shape.encode(record))))
            else:
                output.write(record_shape.whole(record).decode() + "\n")


@ledger.command()
@STORE
@click.option(
    "--journal",
    type=click.Path(file_okay=False, path_type=Path),
    help="The journal's directory.  [default: beside the SQLite file, as the gateway puts it]",
)
@click.option(
    "--head",
    default="",
    help="A digest printed by an earlier run, kept elsewhere: it must be in the chain still.",
)
def verify(store: str, journal: Path | None, head: str) -> None:
    """Prove that no line of the journal and no row of the ledger was changed, lost or put in.

    Prints the head of each chain. Keep it where the gateway cannot write: a later run with --head shows
    whether the chain was made anew since.
    """
    directory = journal or Path(STORE_DEFAULT if "://" in store else store).with_suffix(".journal")
    kept_here = (directory / "journal.id").exists()
    found: list[tuple[str, Verified]] = []
    try:
        if kept_here:
            found.append(("journal", verify_journal(directory, seek=head)))
        with opened(store) as kept:
            found.extend(("database", verify_store(kept, name, seek=head)) for name in kept.journals())
            if kept_here:
                found.append(("journal against database", compare(kept, directory)))
    except OSError as error:
        raise click.ClickException(f"the journal cannot be read: {error}") from None
    _console().print(_verified_table(found))
    for (name, last), digest in {(each.journal, each.last): each.head for _, each in found}.items():
        click.echo(f"head of {name} at line {last}: {digest}")
    faults = [f"{what}: {fault}" for what, each in found for fault in each.faults]
    if head and not any(each.met for _, each in found):
        faults.append("the head you kept is in no chain: the ledger was written anew, or is another one")
    if faults:
        raise click.ClickException("\n".join(faults))


def _verified_table(found: Sequence[tuple[str, Verified]]) -> Table:
    table = Table("what", "journal", "lines", "up to line", "result", box=SIMPLE_HEAD)
    for what, each in found:
        result = f"[red]{len(each.faults)} faults[/red]" if each.faults else "[green]as booked[/green]"
        table.add_row(what, each.journal, f"{each.lines:,}", f"{each.last:,}", result)
    return table


ledger.add_command(prune)
ledger.add_command(rerate)
ledger.add_command(report)
