"""`weir ledger rerate`: price what was booked anew, and keep both figures."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import click

from gateway.app import build
from gateway.cli.configuration import CONFIG, read
from gateway.cli.ledger_options import FROM, STORE, STORE_DEFAULT, TO, opened, span
from gateway.configuration.snapshot import Snapshot
from gateway.ledger.encoding import plain_decimal
from gateway.ledger.journal import Journal, JournalLocked
from gateway.ledger.records import AttemptRecord, GpuBooking, Rerating
from gateway.ledger.shipper import Shipper
from gateway.ledger.stores import open_store
from gateway.metering import rerating
from gateway.metering.charges import Charge
from gateway.metering.price_file import InvalidPriceFile
from gateway.metering.rerating import Pricing, Tally
from gateway.metering.tariffs import GpuPrices

_AT_ONCE: Final = 1_000  # records in one write of the journal
_SEGMENTS: Final = 16  # of its journal that are kept once they are shipped


@click.command()
@STORE
@CONFIG
@FROM
@TO
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
def rerate(
    store: str, config: tuple[Path, ...], start: datetime | None, end: datetime | None, dry_run: bool
) -> None:
    """Price what was booked since --from (say it) again, by what the configuration and its price file say now.

    Prices are those of the day each thing was used on. What was booked stays; the new figure stands beside it, and
    `weir ledger query` and `weir export focus` know both. Running it again changes nothing. An attempt on a GPU of
    your own is priced by its closed windows.
    """
    if start is None:
        raise click.UsageError("say from when on, with --from: history changes only where you ask for it")
    snapshot = read(config)
    try:
        pricing = _pricing(snapshot)
    except (InvalidPriceFile, OSError) as error:
        raise click.ClickException(str(error)) from None
    tally = Tally()
    with _journal(store) as journal:
        _ship(journal, store)  # what an earlier run left
        with opened(store) as kept:
            found = rerating.rerate(kept, *span(start, end), pricing, time.time_ns(), tally)
            for few in _slices(found):
                if not dry_run:
                    journal.append(*few)
        _ship(journal, store)
    click.echo(_told(tally, dry_run=dry_run))


def _pricing(snapshot: Snapshot) -> Pricing:
    """Today's prices. Raises InvalidPriceFile, OSError."""
    book = build.price_book(snapshot)
    backends = snapshot.backends

    def attempt(record: AttemptRecord) -> Charge | None:
        backend = backends.get(record.backend)
        if backend is None or backend.kind == "vllm":
            return None
        provider = build.provider_of(backend, book)
        listed = backend.priced_as.get(record.upstream, record.upstream)
        return book.charge(provider, listed, record.usage, record.at, record.usage.tier)

    def booking(record: GpuBooking) -> Charge | None:
        backend = backends.get(record.backend)
        if backend is None:
            return None
        return GpuPrices(record.backend, backend.gpu_rates).charge(record.gpu_ns, record.window)

    return Pricing(attempt, booking)


@contextmanager
def _journal(store: str) -> Iterator[Journal]:
    """The journal of re-ratings: the gateway's own belongs to the gateway."""
    directory = Path(STORE_DEFAULT if "://" in store else store).with_suffix(".reratings")
    try:
        journal = Journal(directory)
    except (JournalLocked, OSError) as error:
        raise click.ClickException(f"the journal of re-ratings cannot be opened: {error}") from None
    try:
        yield journal
    finally:
        journal.close()


def _ship(journal: Journal, store: str) -> None:
    """All of the journal, in the database."""
    journal.flush()
    shipper = Shipper(journal, partial(open_store, store), now=time.time_ns, keep_segments=_SEGMENTS)
    if not shipper.drain(None):
        raise click.ClickException(
            f"{shipper.trouble or 'the database does not take rows'}; the next run brings what is missing"
        )


def _slices(found: Iterator[Rerating]) -> Iterator[list[Rerating]]:
    few: list[Rerating] = []
    for each in found:
        few.append(each)
        if len(few) == _AT_ONCE:
            yield few
            few = []
    if few:
        yield few


def _told(tally: Tally, *, dry_run: bool) -> str:
    """What a run came to, in a few lines."""
    would = "Would re-rate" if dry_run else "Re-rated"
    sign = "+" if tally.delta >= 0 else ""
    return (
        f"{would} {tally.attempts:,} attempts and {tally.bookings:,} GPU bookings: "
        f"{sign}{plain_decimal(tally.delta)} USD.\n"
        f"{tally.same:,} cost the same, {tally.unknown:,} have no known price, "
        f"{tally.left:,} are not priced here (GPU attempts, backends that are gone)."
    )
