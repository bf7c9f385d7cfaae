"""Whose the objects are that providers keep: responses, their items, files, the containers tools left there.

Providers know Weir's key alone, so to them all tenants are one; what is noted here tells them apart. It is kept
for as long as OpenAI keeps a response, of files until they are deleted, and bounded for each tenant: nobody can make
Weir forget what is another's. Of what an object holds, only the label of what made it is noted, and nothing of a name.
"""

import asyncio
import hashlib
import json
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
LISTED: Final = 10_000  # files of a tenant at most, as OpenAI lists them
_EVERY: Final = 1_000  # notes between two looks for what is too old or too many
_NO_ROOM: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})  # what SQLite says of a full disk

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS kept (
  name BLOB PRIMARY KEY, tenant TEXT NOT NULL, backend TEXT NOT NULL, at INTEGER NOT NULL,
  replica TEXT NOT NULL DEFAULT '', file TEXT NOT NULL DEFAULT '', made TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS kept_by_tenant ON kept (tenant, at);
CREATE INDEX IF NOT EXISTS kept_by_age ON kept (at);
"""
_LATER: Final = ("replica", "file", "made")  # columns that files of earlier versions lack
_NOTE: Final = """
INSERT OR IGNORE INTO kept (name, tenant, backend, at, replica, file, made) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_TOO_MANY: Final = """
DELETE FROM kept WHERE name IN (SELECT name FROM kept WHERE tenant = ? ORDER BY at DESC LIMIT -1 OFFSET ?)
"""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came through Weir: its id, the model whose provider has it, its label in words, and what a list of
    files says of it (bytes, UTC seconds). Its name and content are the provider's alone."""

    id: str
    model: str
    label: frozenset[str]
    size: int
    created: int
    purpose: str


@dataclass(frozen=True, slots=True)
class Keeper:
    """Whose an object is, and the backend that keeps it, in which replica where that is known; what is known of a
    file that came through Weir; the model that made it, and the label of what that was sent, in words."""

    tenant: str
    backend: str
    replica: str = ""
    file: Upload | None = None
    model: str = ""
    label: frozenset[str] | None = None  # None: nobody noted it


class Belongings(Protocol):
    """Where it is noted."""

    async def keep(self, keeper: Keeper, ids: Sequence[str]) -> None:
        """An answer left these objects there. An id stays with whoever had it first. Never raises: what cannot be
        noted cannot be named later, and the log says so."""

    async def keepers(self, ids: Sequence[str]) -> Mapping[str, Keeper]:
        """Those of the objects that are anybody's. Raises Gone."""

    async def uploads(self, tenant: str) -> Sequence[Upload]:
        """A tenant's files, the newest first. Raises Gone."""

    async def forget(self, tenant: str, ids: Sequence[str]) -> None:
        """These objects of the tenant's are deleted. Never raises: their provider will not find them."""

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
                there = {column[1] for column in file.execute("PRAGMA table_info(kept)")}
                for column in _LATER:
                    if column not in there:
                        file.execute(f"ALTER TABLE kept ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
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

    async def uploads(self, tenant: str) -> Sequence[Upload]:
        """As Belongings.uploads."""
        try:
            return await asyncio.to_thread(self._uploads, tenant)
        except sqlite3.Error as error:
            raise Gone(f"{self._path}: {error}") from error

    async def forget(self, tenant: str, ids: Sequence[str]) -> None:
        """As Belongings.forget."""
        try:
            await asyncio.to_thread(self._forget, tenant, ids)
        except sqlite3.Error as error:
            _log.warning("%d deleted objects of %s stay noted: %s", len(ids), tenant, error)

    async def close(self) -> None:
        """As Belongings.close."""
        with self._turn:
            if self._file is not None:
                self._file.close()

    def _keep(self, keeper: Keeper, ids: Sequence[str]) -> None:
        now = self._now_ms()
        upload = "" if keeper.file is None else written(keeper.file)
        whose = (keeper.tenant, keeper.backend, now, keeper.replica, upload, written_maker(keeper))
        rows = [(digest(name), *whose) for name in ids]
        with self._turn, self._opened() as file:
            if self._notes % _EVERY == 0:
                file.execute("DELETE FROM kept WHERE at <= ? AND file = ''", (now - KEPT_MS,))
            file.executemany(_NOTE, rows)
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
                    "SELECT tenant, backend, replica, file, made FROM kept WHERE name = ? AND (at > ? OR file != '')",
                    (digest(name), since),
                ).fetchone()
                if row is not None:
                    tenant, backend, replica, upload, maker = row
                    noted = read(upload) if upload else None
                    found[name] = Keeper(tenant, backend, replica, noted, *read_maker(maker))
        return found

    def _uploads(self, tenant: str) -> list[Upload]:
        with self._turn:
            rows = (
                self._opened()
                .execute(
                    "SELECT file FROM kept WHERE tenant = ? AND file != '' ORDER BY at DESC LIMIT ?",
                    (tenant, LISTED),
                )
                .fetchall()
            )
        return [read(file) for (file,) in rows]

    def _forget(self, tenant: str, ids: Sequence[str]) -> None:
        with self._turn, self._opened() as file:
            file.executemany(
                "DELETE FROM kept WHERE name = ? AND tenant = ?", [(digest(name), tenant) for name in ids]
            )


def written(upload: Upload) -> str:
    """A file's note as it is stored."""
    label = sorted(upload.label)
    return json.dumps([upload.id, upload.model, label, upload.size, upload.created, upload.purpose])


def read(note: str) -> Upload:
    """A stored note."""
    name, model, label, size, created, purpose = json.loads(note)
    return Upload(name, model, frozenset(label), size, created, purpose)


def written_maker(keeper: Keeper) -> str:
    """What made an object, as it is stored."""
    return "" if keeper.label is None else json.dumps([keeper.model, sorted(keeper.label)])


def read_maker(note: str) -> tuple[str, frozenset[str] | None]:
    """The model and the label that were stored."""
    if not note:
        return "", None
    model, label = json.loads(note)
    return model, frozenset(label)


def note_lost(keeper: Keeper, ids: Sequence[str], why: str) -> None:
    """Say that objects could not be noted: nobody can name them."""
    _log.error("%s cannot name %d objects that %s keeps: %s", keeper.tenant, len(ids), keeper.backend, why)


def digest(name: str) -> bytes:
    """What stands for an object's id: an id may be long."""
    return hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=16).digest()
