"""`weir ledger report`: from your own traffic, what is cheaper owned than rented, and from which volume on."""

import sys
import time
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import click
import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from gateway.app import build
from gateway.cli.configuration import CONFIG, read
from gateway.cli.ledger_options import FROM, STORE, TO, opened, span
from gateway.configuration.snapshot import Snapshot
from gateway.metering import workloads
from gateway.metering.break_even import BreakEven, Fleet, Workload, break_even
from gateway.metering.price_file import InvalidPriceFile
from gateway.metering.workloads import Traffic

_MILLION: Final = Decimal(1_000_000)
_DIMENSIONS: Final = ("workflow", "tenant", "route")
Answer = tuple[Workload, BreakEven]


def _dimensions(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if unknown := [name for name in names if name not in _DIMENSIONS]:
        raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(_DIMENSIONS)}")
    return names or ("workflow",)


@click.command()
@STORE
@CONFIG
@FROM
@TO
@click.option(
    "--by",
    default="workflow",
    show_default=True,
    callback=_dimensions,
    help=f"What a workload is: {', '.join(_DIMENSIONS)}, or several of them.",
)
@click.option(
    "--against", help="The rented model to compare with.  [default: what each workload really paid]"
)
@click.option("--format", "shape", type=click.Choice(["table", "json"]), default="table", show_default=True)
def report(
    store: str,
    config: tuple[Path, ...],
    start: datetime | None,
    end: datetime | None,
    by: tuple[str, ...],
    against: str | None,
    shape: str,
) -> None:
    """From which volume on your own GPUs are cheaper than a rented model, for each workload.

    The break-even is V* = F / (p - m): F is what the GPUs cost in a year, busy or not; p the rented price of a
    million of the workload's tokens; m the electricity that a million takes on your GPUs, by measured GPU time. Where
    the rate does not name electricity, m is 0. It holds only if p > m and the GPUs can do so much; else it says so.
    """
    compare = _Compare(read(config), against)
    asked = span(start, end)
    with opened(store) as kept:
        found = workloads.traffic(kept, by, *asked, compare.ours)
        days = workloads.days(kept, *asked)
    everything = workloads.together(list(found.values()))
    answers = [
        compare.answer(name, each, everything, days)
        for name, each in sorted(found.items(), key=lambda item: -item[1].tokens)
    ]
    if shape == "json":
        click.echo(orjson.dumps([_fields(by, *answer) for answer in answers], option=orjson.OPT_INDENT_2))
    else:
        _show(by, answers)


class _Compare:
    """Workloads held against the configuration's GPUs and prices of today."""

    def __init__(self, snapshot: Snapshot, against: str | None) -> None:
        self.ours = {name for name, each in snapshot.backends.items() if each.kind == "vllm"}
        self._snapshot = snapshot
        self._against = against
        self._now = time.time_ns()
        try:
            self._tariff = build.tariffs(snapshot).get(against or "")
        except (InvalidPriceFile, OSError) as error:
            raise click.ClickException(str(error)) from None
        if against is not None and (self._tariff is None or self._tariff.by_gpu):
            raise click.UsageError(f"--against: {against!r} is not a rented model of the configuration")

    def answer(self, name: tuple[str, ...], traffic: Traffic, everything: Traffic, days: Decimal) -> Answer:
        """A workload's break-even; where it never ran on GPUs of ours, at what all others took there."""
        own = traffic if traffic.gpu_seconds_per_million is not None else everything
        price, basis = self._price(traffic)
        workload = Workload(
            name,
            traffic.tokens / _MILLION,
            days,
            price,
            basis,
            own.gpu_seconds_per_million,
            "measured" if own is traffic else "as all workloads",
        )
        return workload, break_even(workload, self._fleet(own))

    def _price(self, traffic: Traffic) -> tuple[Decimal | None, str]:
        """USD for a million of its tokens, rented, and where the figure comes from."""
        if self._tariff is None:
            return traffic.paid_per_million, "as paid"
        call = traffic.mean_call()
        usd, tokens = self._tariff.charge(call, 0, self._now).usd, call.prompt + call.generated
        known = usd is not None and tokens > 0
        return (usd * _MILLION / tokens if known and usd is not None else None), f"at {self._against}"

    def _fleet(self, own: Traffic) -> Fleet | None:
        """The GPUs that served most of it; where none has yet, the first there are."""
        name = max(own.own, key=lambda each: own.own[each]) if own.own else min(self.ours, default=None)
        settings = self._snapshot.backends.get(name or "")
        if settings is None:
            return None
        gpus = max(1, settings.gpus) * len(settings.replicas)
        return Fleet(settings.name, gpus, settings.gpu_rates.at(self._now))


def _fields(by: Sequence[str], workload: Workload, answer: BreakEven) -> dict[str, Any]:
    figures = {
        "tokens_millions": workload.millions,
        "tokens_millions_per_year": workload.millions_per_year,
        "rented_usd_per_million": workload.price,
        "marginal_usd_per_million": answer.marginal,
        "gpu_seconds_per_million": workload.gpu_seconds,
        "fixed_usd_per_year": answer.fixed,
        "capacity_millions_per_year": answer.capacity,
        "break_even_millions_per_year": answer.volume,
    }
    return {
        **dict(zip(by, workload.name, strict=True)),
        **{name: None if value is None else float(round(value, 6)) for name, value in figures.items()},
        "price_basis": workload.price_basis,
        "gpu_basis": workload.gpu_basis,
        "verdict": answer.why,
    }


def _show(by: Sequence[str], answers: Sequence[Answer]) -> None:
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False)
    for name in by:
        table.add_column(name, overflow="fold", min_width=6)
    for title in (
        "Mtok/year",
        "p $/Mtok",
        "m $/Mtok",
        "GPU-s/Mtok",
        "F $/year",
        "most Mtok/year",
        "V* Mtok/year",
    ):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("verdict")
    for workload, answer in answers:
        table.add_row(
            *(name or "-" for name in workload.name),
            _figure(workload.millions_per_year),
            _figure(workload.price, 4),
            _figure(answer.marginal, 4),
            _figure(workload.gpu_seconds, 1) + ("" if workload.gpu_basis == "measured" else "*"),
            _figure(answer.fixed),
            _figure(answer.capacity),
            _figure(answer.volume),
            answer.why,
        )
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(table)
    bases = " and ".join(sorted({workload.price_basis for workload, _ in answers})) or "as paid"
    click.echo(
        "V* = F / (p - m), in millions of tokens a year, for each workload as if it had the GPUs to itself; "
        f"p is {bases}. Whether the answers are as good is another question."
    )
    if any(workload.gpu_basis != "measured" for workload, _ in answers):
        click.echo("* It never ran on your GPUs: what all others took there stands in.")


def _figure(value: Decimal | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
