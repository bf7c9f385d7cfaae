"""What the verbs that read the ledger ask alike: which ledger, which span of time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from gateway.ledger.store import Store, StoreUnavailable, StoreUnfit
from gateway.ledger.stores import open_store

STORE_DEFAULT: Final = ".weir/ledger.sqlite"
_DAY: Final = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H"])
STORE: Final = click.option(
    "--store",
    envvar="WEIR_LEDGER",
    default=STORE_DEFAULT,
    show_default=True,
    show_envvar=True,
    help="The ledger: a SQLite file, or postgresql://…",
)
FROM: Final = click.option(
    "--from", "start", type=_DAY, help="First day or hour (UTC).  [default: 30 days ago]"
)
TO: Final = click.option(
    "--to", "end", type=_DAY, help="Until this day or hour, not included (UTC).  [default: now]"
)


@contextmanager
def opened(name: str) -> Iterator[Store]:
    """The ledger to read; what is wrong with it becomes the command's error."""
    if "://" not in name and not Path(name).exists():
        raise click.ClickException(f"there is no ledger at {name}; name it with --store or WEIR_LEDGER")
    try:
        store = open_store(name)
        try:
            yield store
        finally:
            store.close()
    except (StoreUnavailable, StoreUnfit) as error:
        raise click.ClickException(str(error)) from None


def span(start: datetime | None, end: datetime | None) -> tuple[int, int]:
    """The time asked for, in UTC nanoseconds: whole hours, the last one included where no end is named."""
    now = datetime.now(UTC)
    first = start.replace(tzinfo=UTC) if start else (now - timedelta(days=30)).replace(minute=0)
    last = end.replace(tzinfo=UTC) if end else now + timedelta(hours=1)
    if last <= first:
        raise click.UsageError("--to must be later than --from")
    return (int(first.timestamp()) // 3600 * 3600 * 10**9, int(last.timestamp()) // 3600 * 3600 * 10**9)
