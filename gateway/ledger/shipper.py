"""Carries the journal to the database, exactly once, however long the database is away."""

import logging
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Final, Protocol

from gateway.ledger.reading import Line, Reader, first_of, segments
from gateway.ledger.retention import Unsound, prune
from gateway.ledger.store import Cursor, Store, StoreUnavailable, StoreUnfit

_log = logging.getLogger(__name__)

_FEW: Final = 64  # lines read at a time

_PRUNE_EVERY_NS: Final = 3_600_000_000_000
_BATCH: Final = 2_000  # lines in one transaction
_LAST_PAUSE: Final = 30.0  # seconds between tries at most; from the first on they double


class Journaled(Protocol):
    """What a shipper needs of the journal: where it is, how far it goes, how much of it is safe on the disk."""

    advanced: threading.Event  # set whenever more lines are safe

    @property
    def directory(self) -> Path:
        """Where its segments are."""

    @property
    def id(self) -> str:
        """Its name in the database."""

    @property
    def last(self) -> int:
        """The number of the last line."""

    @property
    def synced(self) -> int:
        """The number of the last line that is safe."""


class Shipper:
    """A thread that ships a journal's synced lines. `connect` opens the store; it is called again after a failure."""

    def __init__(
        self,
        journal: Journaled,
        connect: Callable[[], Store],
        *,
        now: Callable[[], int],
        keep_segments: int,
        first_pause: float = 0.25,
        pace: float = 0.2,
        keep_rows: float | None = None,
        alone: bool | None = None,
    ) -> None:
        """`keep_rows` (seconds): rows older than that are discarded, once an hour; None: they are kept. `alone`:
        whether no other gateway may use the database; None: this is no gateway."""
        self._journal = journal
        self._connect = connect
        self._now = now  # UTC nanoseconds
        self._keep_segments = keep_segments
        self.shipped = 0  # the last line known to be in the store
        self.trouble = ""  # why the store does not take lines just now; empty: it does
        self._caught_up = now()  # when nothing waited last
        self._keep_rows = keep_rows
        self._alone = alone
        self._prune_next = 0  # UTC nanoseconds
        self._pace = pace  # seconds between shipments: many small ones would cost the most
        self._first_pause = self._pause = first_pause
        self._stop = threading.Event()
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name="weir-ledger-shipper", daemon=True)
        self._thread.start()

    def lag_seconds(self) -> float:
        """For how long written lines have been waiting to reach the store (0: none wait)."""
        if self._journal.last <= self.shipped:
            return 0.0
        return max(0.0, (self._now() - self._caught_up) / 1e9)

    def drain(self, timeout: float | None) -> bool:
        """Ship what is synced and stop. Whether all of it arrived; the rest is shipped at the next start."""
        self._stop.set()
        self._journal.advanced.set()
        self._thread.join(timeout)
        self._abandoned = True  # a long backlog waits for the next start
        return not self._thread.is_alive() and self.shipped >= self._journal.last

    def _run(self) -> None:
        while True:
            stopping = self._stop.is_set()
            try:
                self._ship_while_connected()
            except (StoreUnavailable, StoreUnfit, OSError, ValueError) as error:
                if str(error) != self.trouble:
                    _log.warning("the ledger's rows stay in the journal for now: %s", error)
                self.trouble = str(error)
            else:
                return
            if stopping:
                return
            self._rest()

    def _rest(self) -> None:
        """Wait before the next try, longer each time."""
        left, self._pause = self._pause, min(self._pause * 2, _LAST_PAUSE)
        while left > 0 and not self._stop.wait(min(left, 1.0)):
            self._look()
            left -= 1.0

    def _look(self) -> None:
        if self._journal.last <= self.shipped:
            self._caught_up = self._now()

    def _ship_while_connected(self) -> None:
        """Ship until told to stop. Raises StoreUnavailable, StoreUnfit, OSError, ValueError (a bad line)."""
        store = self._connect()
        try:
            store.claim(self._journal.id, alone=self._alone)
            self.shipped = self._agreed(store.cursor(self._journal.id))
            reader = Reader(self._journal.directory, self.shipped)
            while True:
                stopping = self._stop.is_set()
                self._journal.advanced.clear()
                self._ship_what_is_synced(store, reader)
                if stopping:
                    return
                self._stop.wait(self._pace)
                self._journal.advanced.wait(1.0)
        finally:
            store.close()

    def _agreed(self, cursor: Cursor | None) -> int:
        """The last shipped line, on which database and journal agree. Raises StoreUnfit if they do not: the
        journal was put back from an old copy, and its new lines bear numbers that were given before."""
        if cursor is None:
            return 0
        there = Reader(self._journal.directory, cursor.number - 1).read(cursor.number, 1)
        if self._journal.last < cursor.number or any(line.digest != cursor.digest for line in there):
            raise StoreUnfit(
                f"line {cursor.number} of this journal is another one in the database: the journal was put back "
                "from an old copy; begin a new journal directory"
            )
        return cursor.number

    def _ship_what_is_synced(self, store: Store, reader: Reader) -> None:
        self._look()
        while not self._abandoned and (batch := self._next_batch(reader)):
            store.ship(self._journal.id, batch)
            self.shipped = batch[-1].number
        self.trouble, self._pause = "", self._first_pause
        self._look()
        self._drop_old_segments()
        self._drop_old_rows(store)

    def _drop_old_rows(self, store: Store) -> None:
        """Keep to the retention, once an hour."""
        now = self._now()
        if self._keep_rows is None or now < self._prune_next or self._stop.is_set():
            return
        try:
            prune(store, now - int(self._keep_rows * 1e9))
        except Unsound as fault:
            _log.error("old rows of the ledger are kept: %s", fault)
        # Not where the database went away: then it is tried again as soon as that is back.
        self._prune_next = now + _PRUNE_EVERY_NS

    def _next_batch(self, reader: Reader) -> list[Line]:
        batch: list[Line] = []
        while len(batch) < _BATCH and (few := reader.read(self._journal.synced, _FEW)):
            batch += few
        return batch

    def _drop_old_segments(self) -> None:
        """Delete the oldest segments that are wholly shipped, but for the newest `keep_segments` of all."""
        paths = segments(self._journal.directory)
        for path, following in list(pairwise(paths))[: -self._keep_segments]:
            if first_of(following) - 1 <= self.shipped:
                path.unlink()
