"""The ledger in PostgreSQL, for several gateways: rows partitioned by day, shipped by COPY."""

# ruff: noqa: S608  # tables and columns are named by our own schema; values are always parameters

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import psycopg
from psycopg import sql

from gateway.ledger.encoding import ColumnType
from gateway.ledger.reading import Line
from gateway.ledger.records import Kind
from gateway.ledger.schema import (
    ROLLUPS,
    TABLES,
    Decoded,
    Rollup,
    added_columns,
    column_definitions,
    decoded_after,
    row_columns,
    rows,
)
from gateway.ledger.sql import Row, SqlStore, quoted
from gateway.ledger.store import Cursor, StoreUnavailable, StoreUnfit, is_checkpoint, stands_in_the_way

_TYPES: Final[dict[ColumnType, str]] = {
    "text": "text",
    "integer": "bigint",
    "real": "double precision",
    "boolean": "boolean",
    "decimal": "numeric",
    "date": "date",
    "json": "text",  # not jsonb, which would not give back the bytes that the journal's digests cover
    "money": "text",
}
_DAY_NS: Final = 86_400_000_000_000
_LAYOUT_LOCK: Final = (
    0x77656972  # advisory: one gateway at a time makes tables and partitions; and, in two parts, …
)
_ALONE: Final = 0  # … held by each gateway, shared by those that count in Redis
_GATEWAY: Final = "weir gateway "  # and its journal: how a gateway's connection is called
_CONNECT_SECONDS: Final = 5
_SILENT_MS: Final = 30_000  # a server that acknowledges nothing for so long is gone


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise StoreUnavailable(f"PostgreSQL: {_first_line(error)}") from None
    except psycopg.Error as error:
        raise StoreUnfit(f"PostgreSQL: {_first_line(error)}") from None


def _first_line(error: psycopg.Error) -> str:
    return str(error).partition("\n")[0]


def _connected(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection. Its errors never hold the password."""
    try:
        return psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=_CONNECT_SECONDS,
            tcp_user_timeout=_SILENT_MS,
            application_name="weir",
        )
    except psycopg.Error as error:
        message = _first_line(error)
        secret = re.match(r"[a-z]+://[^:/@]*:(.+)@", url)
        for piece in re.split(r"[@/:?]", secret[1]) if secret else ():
            message = message.replace(piece, "…") if piece else message
    raise StoreUnavailable(f"PostgreSQL: {message}")


class PostgresStore(SqlStore):
    """A PostgreSQL database (12 or later); the tables live in its schema `weir`."""

    types = _TYPES
    usd = "sum(usd)"

    def __init__(self, url: str) -> None:
        """Connect, make the tables if there are none. Raises StoreUnavailable, StoreUnfit."""
        self._db = _connected(url)
        self._partitions: set[str] = set()
        self._names = count()  # of cursors
        try:
            with self._translated():
                self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _run(self, statement: str, values: Sequence[Any] = ()) -> psycopg.Cursor[Row]:
        return self._db.execute(_marked(statement), values or None)

    def _streamed(self, statement: str, values: Sequence[Any]) -> Iterator[Row]:
        """Rows fetched some thousands at a time."""
        with self._db.cursor(name=f"weir_{next(self._names)}") as cursor:
            cursor.itersize = 2_000
            cursor.execute(_marked(statement), values)
            yield from cursor

    def _translated(self) -> AbstractContextManager[None]:
        return _translated()

    def _transaction(self) -> AbstractContextManager[Any]:
        return self._db.transaction()

    def _streaming(self) -> AbstractContextManager[Any]:
        return self._db.transaction()

    @contextmanager
    def _one_view(self) -> Iterator[None]:
        with self._db.transaction():
            self._run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield

    def _prepare(self) -> None:
        with self._db.transaction():
            self._run("SELECT pg_advisory_xact_lock(?)", (_LAYOUT_LOCK,))
            if self._run("SELECT FROM pg_namespace WHERE nspname = 'weir'").fetchone() is None:
                self._run(
                    "CREATE SCHEMA weir"
                )  # asked for first: even IF NOT EXISTS needs the right to create
            self._run("SET search_path TO weir")
            self._prepare_tables()

    def _create_table(self, kind: Kind, table: str) -> None:
        self._run(
            f"CREATE TABLE IF NOT EXISTS {table} ({column_definitions(kind, _TYPES)}, "
            "PRIMARY KEY (journal, line, at)) PARTITION BY RANGE (at)"
        )
        for _, definition in added_columns(kind, _TYPES):
            self._run(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {definition}")

    def claim(self, journal: str, *, alone: bool | None) -> None:
        """As Store.claim."""
        with self._translated():
            self._run("SELECT set_config('application_name', ?, false)", (f"{_GATEWAY}{journal}",))
            if not self._locked("pg_try_advisory_lock", _key(journal)):
                raise StoreUnavailable(
                    f"another process ships this gateway's journal ({journal}) to PostgreSQL: an earlier run that is "
                    "about to end, or a gateway with a copy of the journal's directory, which needs one of its own"
                )
            if alone is None:
                return
            if not self._locked("pg_try_advisory_lock" if alone else "pg_try_advisory_lock_shared", _ALONE):
                raise StoreUnavailable(stands_in_the_way(self.rival(journal, alone=alone)))

    def _locked(self, function: str, key: int) -> bool:
        found = self._run(f"SELECT {function}(?, ?)", (_LAYOUT_LOCK, key)).fetchone()
        return found is not None and found[0]

    def rival(self, journal: str, *, alone: bool) -> str:
        """As Store.rival."""
        query = (
            "SELECT application_name, client_addr FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE locktype = 'advisory' AND classid = ? AND objid = ? AND granted AND application_name <> ? "
            "AND (? OR mode = 'ExclusiveLock') ORDER BY backend_start LIMIT 1"
        )
        with self._translated():
            mine = f"{_GATEWAY}{journal}"
            found = self._run(query, (_LAYOUT_LOCK, _ALONE, mine, alone)).fetchone()
        if found is None:
            return ""
        name, address = found
        return f"journal {name.removeprefix(_GATEWAY)}, from {address or 'this machine'}"

    def ship(self, journal: str, lines: Sequence[Line]) -> None:
        """As Store.ship."""
        with self._translated():
            decoded = decoded_after(0, lines)
            self._make_partitions(decoded)
            with self._db.transaction():
                self._run("INSERT INTO cursors VALUES (?, 0, '') ON CONFLICT DO NOTHING", (journal,))
                held = self._place("cursors", journal, "FOR UPDATE")
                if held is not None and held.number >= lines[0].number:
                    decoded = decoded_after(held.number, lines)
                if any(decoded.values()):
                    self._write(journal, decoded, held, lines[-1])

    def _write(self, journal: str, decoded: Decoded, held: Cursor | None, last: Line) -> None:
        for kind, table in TABLES.items():
            statement = f"COPY {table} ({quoted(row_columns(kind))}) FROM STDIN"
            with self._db.cursor() as cursor, cursor.copy(sql.SQL(statement)) as copy:
                for row in rows(journal, kind, decoded):
                    copy.write_row(row)
        for rollup in ROLLUPS:
            self._add(rollup, decoded)
        end = (last.number, last.digest, journal)
        self._run("UPDATE cursors SET line = ?, digest = ? WHERE journal = ?", end)
        if is_checkpoint(held, last):
            self._run("INSERT INTO checkpoints (line, digest, journal) VALUES (?, ?, ?)", end)

    def _add(self, rollup: Rollup, decoded: Decoded) -> None:
        keys = ("hour", *rollup.keys)
        sums = tuple(total.name for total in rollup.sums)
        grown = ", ".join(f"{name} = {rollup.table}.{name} + excluded.{name}" for name in sums)
        statement = (
            f"INSERT INTO {rollup.table} ({quoted((*keys, *sums))}) "
            f"VALUES ({', '.join(['?'] * len((*keys, *sums)))}) "
            f"ON CONFLICT ({quoted(keys)}) DO UPDATE SET {grown}"
        )
        added = sorted(
            rollup.added(decoded).items()
        )  # one order for all gateways: no two wait for each other
        with self._db.cursor() as cursor:
            cursor.executemany(_marked(statement), [(*key, *amounts) for key, amounts in added])

    def _make_partitions(self, decoded: Decoded) -> None:
        """The partitions those lines need, made before the shipment and attached, which lets others go on reading
        and writing meanwhile (CREATE TABLE … PARTITION OF would not)."""
        wanted = {
            (TABLES[kind], each["at"] // _DAY_NS) for kind, found in decoded.items() for _, each in found
        }
        for table, day in sorted(wanted):
            name = f"{table}_{_day_name(day)}"
            if name in self._partitions:
                continue
            with self._db.transaction():
                self._run("SELECT pg_advisory_xact_lock(?)", (_LAYOUT_LOCK,))
                if self._run("SELECT FROM pg_class WHERE oid = to_regclass(?)", (name,)).fetchone() is None:
                    self._run(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS)")
                    self._run(
                        f"ALTER TABLE {table} ATTACH PARTITION {name} "
                        f"FOR VALUES FROM ({day * _DAY_NS}) TO ({(day + 1) * _DAY_NS})"
                    )
            self._partitions.add(name)

    def tidy(self, before: int) -> None:
        """As Store.tidy: partitions of past days that are empty now are dropped."""
        oldest_kept = _day_name(before // _DAY_NS)
        query = (
            "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = ?::regclass"
        )
        for table in TABLES.values():
            with self._translated(), self._db.transaction():
                self._run("SELECT pg_advisory_xact_lock(?)", (_LAYOUT_LOCK,))
                names = [name for (name,) in self._run(query, (table,))]
                for name in names:
                    if (
                        name.rpartition("_")[2] < oldest_kept
                        and not self._run(f"SELECT FROM {name} LIMIT 1").fetchone()
                    ):
                        self._run(f"DROP TABLE {name}")
                        self._partitions.discard(name)

    def close(self) -> None:
        """As Store.close."""
        self._db.close()


def _key(journal: str) -> int:
    """A journal's own part of an advisory lock: never that of `_ALONE`."""
    return int.from_bytes(hashlib.blake2b(journal.encode(), digest_size=4).digest()) % (2**31 - 1) + 1


def _day_name(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y%m%d")


def _marked(statement: str) -> sql.SQL:
    """With PostgreSQL's own marks of parameters."""
    return sql.SQL(statement.replace("?", "%s"))
