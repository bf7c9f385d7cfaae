"""`weir ledger`: what was spent, the rows behind it, and whether they still are what was booked."""

import csv
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TextIO

import click
import orjson
from rich.box import SIMPLE_HEAD
from rich.table import Table

from gateway.cli.ledger_options import FROM, STORE, STORE_DEFAULT, TO, opened, span
from gateway.cli.ledger_prune import prune
from gateway.cli.ledger_report import report
from gateway.cli.ledger_rerate import rerate
from gateway.cli.ledger_tables import SHAPE, console, grouped_by, missing, short, sums_table, write
from gateway.ledger.encoding import SHAPES, plain_decimal
from gateway.ledger.records import Kind
from gateway.ledger.store import Store
from gateway.ledger.sums import ACTIONS, ANSWERED, GPU_TIME, RERATED, SPENT, Answered, GpuTime, Spend
from gateway.ledger.verify import Verified, compare, verify_journal, verify_store
from gateway.ledger.workflows import ActionCost, action_costs

_ZERO: Final = Decimal(0)


@click.group()
def ledger() -> None:
    """Query, export and verify what was booked."""


@ledger.command()
@STORE
@FROM
@TO
@grouped_by(SPENT, "day,tenant,route")
@SHAPE
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
        console().print(sums_table(by, names, found, _spend_figures))
        _say_rerated(again, sum((each.usd for each in found), _ZERO))
    else:
        write(fields, shape)


@ledger.command()
@STORE
@FROM
@TO
@grouped_by(ANSWERED, "day,route,outcome")
@SHAPE
def requests(
    store: str, start: datetime | None, end: datetime | None, by: tuple[str, ...], shape: str
) -> None:
    """What became of requests, and how long they took on average.

    Outcomes: ok, cancelled (the client left), cut (it broke after its first byte), failed (no model answered),
    rejected (a provider found fault with it), refused (a boundary, a limit, a budget).
    """
    with opened(store) as kept:
        found = kept.sums(ANSWERED, by, *span(start, end))
    if shape == "table":
        names = ("requests", "seconds", "Weir's ms", "first token s")
        console().print(sums_table(by, names, found, _answered_figures))
        return
    rows = [
        {
            **dict(zip(by, each.by, strict=True)),
            "requests": each.requests,
            "seconds": _seconds(each.duration_ns),
            "overhead_seconds": _seconds(each.overhead_ns),
            "ttft_seconds": _seconds(each.ttft_ns),
            "ttft_requests": each.ttft_known,
        }
        for each in found
    ]
    write(rows, shape)


def _answered_figures(sums: Sequence[Answered]) -> tuple[str, ...]:
    requests = sum(each.requests for each in sums)
    first = sum(each.ttft_known for each in sums)
    return (
        short(requests),
        f"{sum(each.duration_ns for each in sums) / (requests or 1) / 1e9:,.3f}",
        f"{sum(each.overhead_ns for each in sums) / (requests or 1) / 1e6:,.2f}",
        f"{sum(each.ttft_ns for each in sums) / first / 1e9:,.3f}" if first else "-",
    )


@ledger.command()
@STORE
@FROM
@TO
@grouped_by(GPU_TIME, "day,backend,use")
@SHAPE
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
        console().print(sums_table(by, ("GPU-s", "USD", "unpriced"), found, _gpu_figures))
        _say_rerated(again, sum((each.usd for each in found), _ZERO))
    else:
        write(fields, shape)


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
@SHAPE
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
        write([{**dict(zip(by, each.by, strict=True)), **_action_fields(each)} for each in found], shape)
        return
    names = ("actions", "successes", "coverage", "USD", "idle USD", "USD/action", "USD/success", "unpriced")
    shown = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False)
    for name in by:
        shown.add_column(name, overflow="fold", min_width=6)
    for name in names:
        shown.add_column(name, justify="right", no_wrap=True)
    for each in found:
        shown.add_row(*(value or "-" for value in each.by), *_action_figures(each))
    console().print(shown)


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
        short(cost.actions),
        short(cost.successes),
        "-" if cost.coverage is None else f"{cost.coverage:.1%}",
        f"{cost.usd:,.4f}",
        f"{cost.idle_usd:,.4f}",
        "-" if cost.per_action is None else f"{cost.per_action:,.6f}",
        "-" if cost.per_success is None else f"{cost.per_success:,.6f}",
        missing(cost.unpriced),
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


def _spend_figures(spends: Sequence[Spend]) -> tuple[str, ...]:
    """The sums of some rows as a person reads them; JSON and CSV have every digit."""
    return (
        short(sum(spend.attempts for spend in spends)),
        short(sum(spend.input_tokens for spend in spends)),
        short(sum(spend.cached_tokens for spend in spends)),
        short(sum(spend.output_tokens for spend in spends)),
        f"{sum((spend.usd for spend in spends), Decimal(0)):,.4f}",
        missing(sum(spend.unpriced for spend in spends)),
        f"{sum(spend.gpu_ns for spend in spends) / 1e9:,.1f}",
    )


def _gpu_figures(times: Sequence[GpuTime]) -> tuple[str, ...]:
    return (
        f"{sum(time.gpu_ns for time in times) / 1e9:,.3f}",
        f"{sum((time.usd for time in times), Decimal(0)):,.4f}",
        missing(sum(time.unpriced for time in times)),
    )


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
    console().print(_verified_table(found))
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
