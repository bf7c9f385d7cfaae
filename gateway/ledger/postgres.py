"""The ledger in PostgreSQL, for several gateways: rows partitioned by day, shipped by COPY."""

# ruff: noqa: S608  # tables and columns are named by our own schema; values are always parameters

import hashlib
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from heapq import merge
from operator import itemgetter
from typing import Any, Final

import psycopg
from psycopg import sql

from gateway.ledger.encoding import SHAPES, ColumnType
from gateway.ledger.reading import Line
from gateway.ledger.records import SCHEMA, Kind, Record
from gateway.ledger.schema import (
    INDEXES,
    MENDED,
    ROLLUPS,
    TABLES,
    Decoded,
    Rollup,
    added_columns,
    column_definitions,
    decoded_after,
    rollup_definitions,
    row_columns,
    rows,
)
from gateway.ledger.store import (
    Cursor,
    Standing,
    StoreUnavailable,
    StoreUnfit,
    find_standing,
    is_checkpoint,
    stands_in_the_way,
)
from gateway.ledger.sums import Answer, Question

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


class PostgresStore:
    """A PostgreSQL database (12 or later); the tables live in its schema `weir`."""

    def __init__(self, url: str) -> None:
        """Connect, make the tables if there are none. Raises StoreUnavailable, StoreUnfit."""
        self._db = _connected(url)
        self._partitions: set[str] = set()
        try:
            with _translated():
                self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _run(self, statement: str, values: Sequence[Any] | None = None) -> psycopg.Cursor[tuple[Any, ...]]:
        return self._db.execute(sql.SQL(statement), values)

    def _prepare(self) -> None:
        with self._db.transaction():
            self._run("SELECT pg_advisory_xact_lock(%s)", (_LAYOUT_LOCK,))
            if self._run("SELECT FROM pg_namespace WHERE nspname = 'weir'").fetchone() is None:
                self._run(
                    "CREATE SCHEMA weir"
                )  # asked for first: even IF NOT EXISTS needs the right to create
            self._run("SET search_path TO weir")
            self._run("CREATE TABLE IF NOT EXISTS weir_schema (version integer NOT NULL)")
            found = self._run("SELECT max(version) FROM weir_schema").fetchone()
            held = found[0] if found else None
            if held is None or held < SCHEMA:
                self._create(held or SCHEMA)  # what an older version lacks
            elif held > SCHEMA:
                raise StoreUnfit(
                    f"the ledger's tables are of version {held}, this Weir writes version {SCHEMA}"
                )

    def _create(self, before: int) -> None:
        self._run("INSERT INTO weir_schema VALUES (%s)", (SCHEMA,))
        for kind, table in TABLES.items():
            self._run(
                f"CREATE TABLE IF NOT EXISTS {table} ({column_definitions(kind, _TYPES)}, "
                "PRIMARY KEY (journal, line, at)) PARTITION BY RANGE (at)"
            )
            for _, definition in added_columns(kind, _TYPES):
                self._run(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {definition}")
            self._run(f"CREATE INDEX IF NOT EXISTS {table}_id ON {table} (id)")
            self._run(f"CREATE INDEX IF NOT EXISTS {table}_at ON {table} (at)")
        for name, table, columns in INDEXES:
            self._run(f"CREATE INDEX IF NOT EXISTS {name} ON {table} ({columns})")
        for rollup in ROLLUPS:
            self._run(f"CREATE TABLE IF NOT EXISTS {rollup.table} ({rollup_definitions(rollup, _TYPES)})")
        self._run(
            "CREATE TABLE IF NOT EXISTS cursors (journal text PRIMARY KEY, line bigint NOT NULL, digest text NOT NULL)"
        )
        self._run(
            "CREATE TABLE IF NOT EXISTS checkpoints (journal text, line bigint, digest text NOT NULL, "
            "PRIMARY KEY (journal, line))"
        )
        self._run(
            "CREATE TABLE IF NOT EXISTS pruned (journal text PRIMARY KEY, line bigint NOT NULL, digest text NOT NULL)"
        )
        for version, statement in MENDED:
            if before < version:
                self._run(statement.format(usd="sum(usd)"))

    def claim(self, journal: str, *, alone: bool | None) -> None:
        """As Store.claim."""
        with _translated():
            self._run("SELECT set_config('application_name', %s, false)", (f"{_GATEWAY}{journal}",))
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
        found = self._run(f"SELECT {function}(%s, %s)", (_LAYOUT_LOCK, key)).fetchone()
        return found is not None and found[0]

    def rival(self, journal: str, *, alone: bool) -> str:
        """As Store.rival."""
        query = (
            "SELECT application_name, client_addr FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND granted AND application_name <> %s "
            "AND (%s OR mode = 'ExclusiveLock') ORDER BY backend_start LIMIT 1"
        )
        with _translated():
            mine = f"{_GATEWAY}{journal}"
            found = self._run(query, (_LAYOUT_LOCK, _ALONE, mine, alone)).fetchone()
        if found is None:
            return ""
        name, address = found
        return f"journal {name.removeprefix(_GATEWAY)}, from {address or 'this machine'}"

    def cursor(self, journal: str) -> Cursor | None:
        """As Store.cursor."""
        with _translated():
            return self._cursor(journal)

    def _cursor(self, journal: str, lock: str = "") -> Cursor | None:
        found = self._run(
            f"SELECT line, digest FROM cursors WHERE journal = %s {lock}", (journal,)
        ).fetchone()
        return Cursor(*found) if found else None

    def ship(self, journal: str, lines: Sequence[Line]) -> None:
        """As Store.ship."""
        with _translated():
            decoded = decoded_after(0, lines)
            self._make_partitions(decoded)
            with self._db.transaction():
                self._run("INSERT INTO cursors VALUES (%s, 0, '') ON CONFLICT DO NOTHING", (journal,))
                held = self._cursor(journal, "FOR UPDATE")
                if held is not None and held.number >= lines[0].number:
                    decoded = decoded_after(held.number, lines)
                if any(decoded.values()):
                    self._write(journal, decoded, held, lines[-1])

    def _write(self, journal: str, decoded: Decoded, held: Cursor | None, last: Line) -> None:
        for kind, table in TABLES.items():
            statement = f"COPY {table} ({_quoted(row_columns(kind))}) FROM STDIN"
            with self._db.cursor() as cursor, cursor.copy(sql.SQL(statement)) as copy:
                for row in rows(journal, kind, decoded):
                    copy.write_row(row)
        for rollup in ROLLUPS:
            self._add(rollup, decoded)
        end = (last.number, last.digest, journal)
        self._run("UPDATE cursors SET line = %s, digest = %s WHERE journal = %s", end)
        if is_checkpoint(held, last):
            self._run("INSERT INTO checkpoints (line, digest, journal) VALUES (%s, %s, %s)", end)

    def _add(self, rollup: Rollup, decoded: Decoded) -> None:
        keys = ("hour", *rollup.keys)
        sums = tuple(total.name for total in rollup.sums)
        grown = ", ".join(f"{name} = {rollup.table}.{name} + excluded.{name}" for name in sums)
        statement = (
            f"INSERT INTO {rollup.table} ({_quoted((*keys, *sums))}) "
            f"VALUES ({', '.join(['%s'] * len((*keys, *sums)))}) "
            f"ON CONFLICT ({_quoted(keys)}) DO UPDATE SET {grown}"
        )
        added = sorted(
            rollup.added(decoded).items()
        )  # one order for all gateways: no two wait for each other
        with self._db.cursor() as cursor:
            cursor.executemany(sql.SQL(statement), [(*key, *amounts) for key, amounts in added])

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
                self._run("SELECT pg_advisory_xact_lock(%s)", (_LAYOUT_LOCK,))
                if self._run("SELECT FROM pg_class WHERE oid = to_regclass(%s)", (name,)).fetchone() is None:
                    self._run(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS)")
                    self._run(
                        f"ALTER TABLE {table} ATTACH PARTITION {name} "
                        f"FOR VALUES FROM ({day * _DAY_NS}) TO ({(day + 1) * _DAY_NS})"
                    )
            self._partitions.add(name)

    def sums(self, question: Question[Answer], by: Sequence[str], start: int, end: int) -> list[Answer]:
        """As Store.sums."""
        query = question.sql(by, "sum(usd)", "%s")
        with _translated():
            return question.answers(self._run(query, (start // 10**9, end // 10**9)).fetchall(), by)

    def journals(self) -> list[str]:
        """As Store.journals."""
        with _translated():
            return [journal for (journal,) in self._run("SELECT journal FROM cursors ORDER BY journal")]

    def checkpoints(self, journal: str) -> list[Cursor]:
        """As Store.checkpoints."""
        query = (
            "SELECT line, digest FROM checkpoints WHERE journal = %s "
            "UNION SELECT line, digest FROM cursors WHERE journal = %s ORDER BY line"
        )
        with _translated():
            return [Cursor(*found) for found in self._run(query, (journal, journal))]

    def standing(self, tenant: str, *, action: str = "", request: str = "") -> Standing | None:
        """As Store.standing."""

        def rows_of(query: str, values: tuple[str, str]) -> list[tuple[Any, ...]]:
            return self._run(query.format("%s"), values).fetchall()

        with _translated():
            return find_standing(rows_of, "sum(usd)", tenant, action, request)

    def records(self, kind: Kind, start: int, end: int) -> Iterator[Record]:
        """As Store.records."""
        names = _quoted(SHAPES[kind].names)
        query = f"SELECT {names} FROM {TABLES[kind]} WHERE at >= %s AND at < %s ORDER BY at, line"
        with _translated(), self._db.transaction():
            for row in self._streamed("weir_records", query, (start, end)):
                yield SHAPES[kind].decode(row)

    def matching(self, kind: Kind, field: str, value: str, start: int, end: int) -> list[Record]:
        """As Store.matching."""
        shape = SHAPES[kind]
        query = (
            f"SELECT {_quoted(shape.names)} FROM {TABLES[kind]} "
            f"WHERE {_quoted([field])} = %s AND at >= %s AND at < %s ORDER BY at, line"
        )
        with _translated():
            return [shape.decode(row) for row in self._run(query, (value, start, end)).fetchall()]

    def chain(self, journal: str, after: int) -> Generator[tuple[int, Kind, Record], None, None]:
        """As Store.chain."""
        with _translated(), self._db.transaction():
            self._run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield from merge(*(self._chain_of(kind, journal, after) for kind in TABLES), key=itemgetter(0))

    def _chain_of(self, kind: Kind, journal: str, after: int) -> Iterator[tuple[int, Kind, Record]]:
        names = _quoted(SHAPES[kind].names)
        query = f"SELECT line, {names} FROM {TABLES[kind]} WHERE journal = %s AND line > %s ORDER BY line"
        for line, *row in self._streamed(f"weir_{kind}", query, (journal, after)):
            yield line, kind, SHAPES[kind].decode(row)

    def _streamed(self, name: str, query: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """Rows fetched some thousands at a time."""
        with self._db.cursor(name=name) as cursor:
            cursor.itersize = 2_000
            cursor.execute(sql.SQL(query), values)
            yield from cursor

    def pruned(self, journal: str) -> Cursor | None:
        """As Store.pruned."""
        with _translated():
            found = self._run("SELECT line, digest FROM pruned WHERE journal = %s", (journal,)).fetchone()
        return Cursor(*found) if found else None

    def expired(self, journal: str, after: int, before: int) -> int:
        """As Store.expired."""
        with _translated():
            held = self._cursor(journal)
            last = held.number if held else 0
            for table in TABLES.values():
                query = (
                    f"SELECT line FROM {table} WHERE journal = %s AND line > %s AND line <= %s AND at >= %s "
                    "ORDER BY line LIMIT 1"
                )
                found = self._run(query, (journal, after, last, before)).fetchone()
                last = found[0] - 1 if found else last
        return last

    def discard(self, journal: str, end: Cursor) -> None:
        """As Store.discard."""
        with _translated(), self._db.transaction():
            for table in (*TABLES.values(), "checkpoints"):
                self._run(f"DELETE FROM {table} WHERE journal = %s AND line <= %s", (journal, end.number))
            self._run(
                "INSERT INTO pruned VALUES (%s, %s, %s) ON CONFLICT (journal) DO UPDATE "
                "SET line = excluded.line, digest = excluded.digest WHERE pruned.line < excluded.line",
                (journal, end.number, end.digest),
            )

    def tidy(self, before: int) -> None:
        """As Store.tidy: partitions of past days that are empty now are dropped."""
        oldest_kept = _day_name(before // _DAY_NS)
        query = (
            "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = %s::regclass"
        )
        for table in TABLES.values():
            with _translated(), self._db.transaction():
                self._run("SELECT pg_advisory_xact_lock(%s)", (_LAYOUT_LOCK,))
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


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
