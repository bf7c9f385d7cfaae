"""The ledger as the gateway holds it: append now, shipped to the database by and by."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from gateway.ledger.apart import ShipperApart
from gateway.ledger.bookmark import Bookmark
from gateway.ledger.encoding import Entry
from gateway.ledger.journal import FullDisk, Journal
from gateway.ledger.reading import Reader
from gateway.ledger.records import Record
from gateway.ledger.store import StoreUnavailable, StoreUnfit, stands_in_the_way
from gateway.ledger.stores import open_store

_KEPT_SEGMENTS: Final = 16  # of 64 MiB: about a million requests that `verify` can hold against the database


class DatabaseTaken(Exception):  # noqa: N818  # it names a state
    """Another gateway uses the ledger's database, and this one may not beside it."""


class Ledger:
    """One process's ledger: its journal, and the process that ships it to the database.

    `append` never raises and never waits for the database. Where the disk is full, `accepting` says whether
    new requests may begin.
    """

    def __init__(
        self, journal: Journal, shipper: ShipperApart, store: Path | str, *, alone: bool = False
    ) -> None:
        self._journal: Final = journal
        self._store: Final = store
        self._alone: Final = alone
        self._shipper: Final = shipper
        self._bookmarks: Final[list[Bookmark]] = []

    @classmethod
    def open(
        cls,
        store: Path | str,
        journal: Path,
        *,
        full_disk: FullDisk = "refuse",
        now: Callable[[], int] = time.time_ns,
        kept_segments: int = _KEPT_SEGMENTS,
        keep_rows: float | None = None,
        alone: bool = False,
    ) -> "Ledger":
        """Open the ledger kept in `store` (a SQLite file's path, or `postgresql://…`) through the journal in
        the directory `journal`, one per process. What an earlier run left unshipped is shipped. Rows older than
        `keep_rows` seconds are discarded by and by; hourly sums stay. `alone`: this gateway counts by itself, so no
        other may use the database.

        The database may be away; a wrong URL shows in `trouble`. Raises JournalLocked, OSError, ValueError
        (a URL of another kind).
        """
        if (
            isinstance(store, str)
            and "://" in store
            and not store.startswith(("postgresql://", "postgres://"))
        ):
            raise ValueError("the ledger is kept in a SQLite file (its path) or under a postgresql:// URL")
        written = Journal(journal, full_disk=full_disk)
        shipper = ShipperApart(
            written, store, now=now, keep_segments=kept_segments, keep_rows=keep_rows, alone=alone
        )
        return cls(written, shipper, store, alone=alone)

    def refuse_beside_another(self) -> None:
        """Raise DatabaseTaken where another gateway uses the database, and both may not. Nothing is known while the
        database is away: then what is shipped later finds out. Blocks."""
        if "://" not in str(self._store):
            return  # one gateway's file
        try:
            with closing(open_store(self._store)) as store:
                rival = store.rival(self._journal.id, alone=self._alone)
        except (StoreUnavailable, StoreUnfit):
            return
        if rival:
            raise DatabaseTaken(stands_in_the_way(rival))

    def append(self, *records: Record | Entry) -> int:
        """Keep records, all together; give one request's records in one call. The number of the last one's line:
        they survive the process once `last` is that far, at once but on a full disk. 0: they are lost to one
        (see `FullDisk`)."""
        return self._journal.append(*records)

    def line_up(self, records: Sequence[Record | Entry]) -> int:
        """As `append`, but they are written with what others line up meanwhile, and do not survive the process before
        `write_out`."""
        return self._journal.line_up(records)

    def write_out(self) -> None:
        """Write what is lined up: before anyone is told of it."""
        self._journal.write_out()

    @property
    def id(self) -> str:
        """The journal's id: which gateway's rows are whose in a database that several ship to."""
        return self._journal.id

    @property
    def directory(self) -> Path:
        """Where the journal is."""
        return self._journal.directory

    @property
    def last(self) -> int:
        """The number of the last line written (0: none)."""
        return self._journal.last

    def bookmark(self, name: str) -> Bookmark:
        """A line's number under that name, kept over restarts; at first, the last line. Raises OSError."""
        made = Bookmark(self._journal.directory / name, self._journal.last)
        self._bookmarks.append(made)
        return made

    def reader(self, after: int) -> Reader:
        """Reads what was written behind line `after`, as far as it is still here."""
        return Reader(self._journal.directory, after)

    @property
    def accepting(self) -> bool:
        """Whether new requests may begin (False: the disk is full and the policy is `refuse`)."""
        return self._journal.accepting

    @property
    def unbooked(self) -> int:
        """Records lost to a full disk since start."""
        return self._journal.unbooked

    @property
    def full(self) -> bool:
        """Whether the journal's disk takes no records just now."""
        return self._journal.full

    @property
    def journal_trouble(self) -> str:
        """Why records are not kept as they should be, and what that means for requests; empty: they are."""
        return self._journal.trouble

    @property
    def trouble(self) -> str:
        """Why the database takes no rows just now; empty: it does."""
        return self._shipper.trouble

    def lag_seconds(self) -> float:
        """For how long written records have been waiting to reach the database."""
        return self._shipper.lag_seconds()

    def close(self, timeout: float = 10.0) -> bool:
        """Sync, ship what there is within `timeout` seconds, stop. Whether the database has it all; the rest
        stays in the journal for the next start. Blocks: call it after the last request, or in a thread."""
        self._journal.flush()
        shipped = self._shipper.drain(timeout)
        self._journal.close()
        for bookmark in self._bookmarks:
            bookmark.close()
        return shipped
