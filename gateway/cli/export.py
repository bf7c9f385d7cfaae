"""`weir export`: the ledger in formats that other tools read."""

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TextIO

import click

from gateway.cli.ledger_options import FROM, STORE, TO, opened, span
from gateway.ledger import focus as focus_rows
from gateway.ledger.focus import COLUMNS, Payer, Row

_BATCH: Final = 10_000  # rows of a Parquet row group
_DIGITS: Final = (38, 18)  # of Parquet's decimals: all in all, and behind the point


@click.group()
def export() -> None:
    """Export the ledger in formats that other tools read."""


@export.command()
@STORE
@FROM
@TO
@click.option("--format", "shape", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write.  [default: stdout]"
)
@click.option("--account", default="weir", show_default=True, help="BillingAccountId of every row.")
@click.option("--owner", default="Self-hosted", show_default=True, help="Who provides the GPUs of your own.")
@click.option("--strict", is_flag=True, help="Fail, once all is written, if any price was unknown.")
def focus(
    store: str,
    start: datetime | None,
    end: datetime | None,
    shape: str,
    output: Path | None,
    account: str,
    owner: str,
    strict: bool,
) -> None:
    """Write FOCUS 1.4 rows, hourly: what finance tools read.

    EffectiveCost is what it cost; BilledCost is 0, so that providers' invoices are not counted twice. An hour of
    a GPU is split over those it worked for, idle and foreign time in rows of their own. The figures are those of
    `weir ledger query` and `weir ledger gpu`. What has no known price is in no cost; x_Unpriced counts it.
    """
    tally = _Tally()
    with opened(store) as ledger:
        rows = tally.watch(focus_rows.rows(ledger, *span(start, end), Payer(account, owner)))
        if shape == "parquet":
            if output is None:
                raise click.UsageError("Parquet is not text: name a file with --output")
            _write_parquet(rows, output)
        else:
            with _text_output(output) as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(COLUMNS)
                writer.writerows(map(focus_rows.text, rows))
    if tally.unpriced:
        message = (
            f"{tally.unpriced} attempts or GPU bookings have no known price and are in no cost (x_Unpriced)"
        )
        if strict:
            raise click.ClickException(message)
        click.echo(f"Note: {message}.", err=True)


class _Tally:
    """Counts, on their way through, what rows have no price for."""

    def __init__(self) -> None:
        self.unpriced = 0

    def watch(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            unpriced = row["x_Unpriced"]
            self.unpriced += int(unpriced) if isinstance(unpriced, Decimal) else 0
            yield row


@contextmanager
def _text_output(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        yield file


def _write_parquet(rows: Iterator[Row], path: Path) -> None:
    """Rows as Parquet: text, decimals and UTC times in types of their own."""
    try:
        import pyarrow  # noqa: PLC0415  # an optional extra, and half a second to load
        import pyarrow.parquet  # noqa: PLC0415  # as above
    except ImportError:
        raise click.ClickException(
            "Parquet needs an extra package: pip install 'weir-gateway[parquet]', or export CSV"
        ) from None
    types: dict[str, Any] = {
        "string": pyarrow.string(),
        "decimal": pyarrow.decimal128(*_DIGITS),
        "datetime": pyarrow.timestamp("us", "UTC"),
    }
    schema = pyarrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    quantum = Decimal(1).scaleb(-_DIGITS[1])
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for batch in _batches(rows):
            table = {
                name: [value.quantize(quantum) if isinstance(value, Decimal) else value for value in values]
                for name, values in focus_rows.columns(batch).items()
            }
            writer.write_table(pyarrow.table(table, schema=schema))


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
