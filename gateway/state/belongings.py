"""Whose the objects are that providers keep: responses, their items, the containers and files tools left there.

Providers know Weir's key alone, so to them all tenants are one; what is noted here tells them apart. It is kept
for as long as OpenAI keeps a response, and bounded for each tenant: nobody can make Weir forget what is another's.
"""

import asyncio
import hashlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from gateway.state.claims import Gone

_log = logging.getLogger("weir.state")

KEPT_MS: Final = 30 * 86_400_000  # OpenAI's own promise for a response
MOST: Final = 100_000  # objects of one tenant; its oldest are forgotten first
_EVERY: Final = 1_000  # notes between two looks for what is too old or too many
_NO_ROOM: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})  # what SQLite says of a full disk

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS kept (
  name BLOB PRIMARY KEY, tenant TEXT NOT NULL, backend TEXT NOT NULL, at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS kept_by_tenant ON kept (tenant, at);
CREATE INDEX IF NOT EXISTS kept_by_age ON kept (at);
"""
_TOO_MANY: Final = """
DELETE FROM kept WHERE name IN (SELECT name FROM kept WHERE tenant = ? ORDER BY at DESC LIMIT -1 OFFSET ?)
"""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Whose an object is, and the backend that keeps it."""

    tenant: str
    backend: str


class Belongings(Protocol):
    """Where it is noted."""

    async def keep(self, keeper: Keeper, ids: Sequence[str]) -> None:
        """An answer left these objects there. An id stays with whoever had it first. Never raises: what cannot be
        noted cannot be named later, and the log says so."""

    async def keepers(self, ids: Sequence[str]) -> Mapping[str, Keeper]:
        """Those of the objects that are anybody's. Raises Gone."""

    async def close(self) -> None:
        """Let go of what it holds open."""


class LocalBelongings:
    """Notes it in a file of one process's own, so that it outlives the process."""

    def __init__(self, path: Path, now_ms: Callable[[], int], most: int = MOST) -> None:
        """`now_ms`: UTC milliseconds. Raises OSError where the file cannot be used; on a full disk it is tried again
        whenever it is needed."""
        self._path = path
        self._now_ms = now_ms
        self._most = most
        self._notes = 0
        self._turn = threading.Lock()  # one connection, and several threads that wait for the disk
        self._file: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._opened()
        except sqlite3.Error as error:
            if (error.sqlite_errorcode & 0xFF) in _NO_ROOM:
                _log.error("%s cannot be written: %s", path, error)
                return
            raise OSError(
                f"{path} (whose the objects are that providers keep) cannot be used: {error}. "
                "Moved away, it is begun anew, and what was noted in it can no longer be named."
            ) from error

    def _opened(self) -> sqlite3.Connection:
        """The file, as soon as there is room to use it. Raises sqlite3.Error."""
        if self._file is None:
            file = sqlite3.connect(self._path, check_same_thread=False)
            try:
                file.execute("PRAGMA journal_mode = WAL")
                file.execute("PRAGMA synchronous = NORMAL")
                file.executescript(_TABLE)
            except BaseException:
                file.close()
                raise
            self._file = file
        return self._file

    async def keep(self, keeper: Keeper, ids: Sequence[str]) -> None:
        """As Belongings.keep."""
        try:
            await asyncio.to_thread(self._keep, keeper, ids)
        except sqlite3.Error as error:
            note_lost(keeper, ids, str(error))

    async def keepers(self, ids: Sequence[str]) -> Mapping[str, Keeper]:
        """As Belongings.keepers."""
        try:
            return await asyncio.to_thread(self._keepers, ids)
        except sqlite3.Error as error:
            raise Gone(f"{self._path}: {error}") from error

    async def close(self) -> None:
        """As Belongings.close."""
        with self._turn:
            if self._file is not None:
                self._file.close()

    def _keep(self, keeper: Keeper, ids: Sequence[str]) -> None:
        now = self._now_ms()
        rows = [(digest(name), keeper.tenant, keeper.backend, now) for name in ids]
        with self._turn, self._opened() as file:
            if self._notes % _EVERY == 0:
                file.execute("DELETE FROM kept WHERE at <= ?", (now - KEPT_MS,))
            file.executemany("INSERT OR IGNORE INTO kept VALUES (?, ?, ?, ?)", rows)
            if self._notes % _EVERY == 0:
                tenants = file.execute("SELECT DISTINCT tenant FROM kept").fetchall()
                file.executemany(_TOO_MANY, [(tenant, self._most) for (tenant,) in tenants])
            self._notes += 1

    def _keepers(self, ids: Sequence[str]) -> Mapping[str, Keeper]:
        found = {}
        since = self._now_ms() - KEPT_MS
        with self._turn:
            file = self._opened()
            for name in ids:
                row = file.execute(
                    "SELECT tenant, backend FROM kept WHERE name = ? AND at > ?", (digest(name), since)
                ).fetchone()
                if row is not None:
                    found[name] = Keeper(*row)
        return found


def note_lost(keeper: Keeper, ids: Sequence[str], why: str) -> None:
    """Say that objects could not be noted: nobody can name them."""
    _log.error("%s cannot name %d objects that %s keeps: %s", keeper.tenant, len(ids), keeper.backend, why)


def digest(name: str) -> bytes:
    """What stands for an object's id: an id may be long."""
    return hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=16).digest()
