"""The ledger as the gateway holds it: append now, shipped to the database by and by."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.ledger.apart import ShipperApart
from gateway.ledger.journal import FullDisk, Journal
from gateway.ledger.records import Record

_KEPT_SEGMENTS: Final = 16  # of 64 MiB: about a million requests that `verify` can hold against the database


class Ledger:
    """One process's ledger: its journal, and the process that ships it to the database.

    `append` never raises and never waits for the database. Where the disk is full, `accepting` says whether
    new requests may begin.
    """

    def __init__(self, journal: Journal, shipper: ShipperApart) -> None:
        self._journal: Final = journal
        self._shipper: Final = shipper

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
    ) -> "Ledger":
        """Open the ledger kept in `store` (a SQLite file's path, or `postgresql://…`) through the journal in
        the directory `journal`, one per process. What an earlier run left unshipped is shipped. Rows older than
        `keep_rows` seconds are discarded by and by; hourly sums stay.

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
        return cls(
            written, ShipperApart(written, store, now=now, keep_segments=kept_segments, keep_rows=keep_rows)
        )

    def append(self, *records: Record) -> bool:
        """Keep records, all together; give one request's records in one call. True: they survive the
        process. False: the disk is full (see `FullDisk`)."""
        return self._journal.append(*records)

    @property
    def accepting(self) -> bool:
        """Whether new requests may begin (False: the disk is full and the policy is `refuse`)."""
        return self._journal.accepting

    @property
    def unbooked(self) -> int:
        """Records lost to a full disk since start."""
        return self._journal.unbooked

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
        return shipped
