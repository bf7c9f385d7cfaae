"""`weir ledger prune`: discard old rows; hourly sums stay."""

import time

import click

from gateway.cli.ledger_options import STORE, opened
from gateway.configuration.units import seconds
from gateway.ledger.retention import Unsound
from gateway.ledger.retention import prune as discard


def _age(_context: click.Context, _parameter: click.Parameter, value: str) -> float:
    try:
        return seconds(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@STORE
@click.option("--older-than", "age", required=True, callback=_age, help="The age, such as 90d or 36h.")
@click.confirmation_option("--yes", prompt="Rows cannot be brought back. Discard them?", help="Do not ask.")
def prune(store: str, age: float) -> None:
    """Discard rows older than an age. Hourly sums stay, so that `weir ledger query` and exports are as before.

    What is left can still be verified. Rows that are not as they were booked are not discarded: see
    `weir ledger verify`. A running gateway does the same by itself with `server: {keep_rows: 90d}`.
    """
    with opened(store) as kept:
        try:
            lines = discard(kept, time.time_ns() - int(age * 1e9))
        except Unsound as fault:
            raise click.ClickException(f"nothing more is discarded: {fault}") from None
    click.echo(f"{lines:,} rows discarded.")
