"""The ledger in a SQLite file: the embedded default, for one gateway."""
# ruff: noqa: S608  # tables and columns are named by our own schema; values are always parameters

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from gateway.ledger.encoding import SHAPES, ColumnType, plain_decimal
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
from gateway.ledger.store import Cursor, Standing, StoreUnavailable, StoreUnfit, find_standing, is_checkpoint
from gateway.ledger.sums import Answer, Question

_USD: Final = "decimal_sum(usd)"
# Money is exact text: SQLite's own numbers are binary.
_TYPES: Final[dict[ColumnType, str]] = {
    "text": "TEXT",
    "integer": "INTEGER",
    "real": "REAL",
    "boolean": "INTEGER",
    "decimal": "TEXT",
    "date": "TEXT",
    "json": "TEXT",
    "money": "TEXT",
}


class _DecimalSum:
    """SQL aggregate: an exact sum of decimal text."""

    def __init__(self) -> None:
        self._total = Decimal(0)

    def step(self, value: str | None) -> None:
        if value is not None:
            self._total += Decimal(value)

    def finalize(self) -> str:
        return plain_decimal(self._total)


def _decimal_add(left: str, right: str) -> str:
    return plain_decimal(Decimal(left) + Decimal(right))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:  # locked, full, cannot be opened
        raise StoreUnavailable(f"SQLite: {error}") from None
    except sqlite3.DatabaseError as error:  # not a database, damaged
        raise StoreUnfit(f"SQLite: {error}") from None


class SqliteStore:
    """A SQLite file in WAL mode, so that queries read while the shipper writes."""

    def __init__(self, path: Path) -> None:
        """Open the file, make its tables if it is new. Raises StoreUnavailable, StoreUnfit."""
        with _translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=10.0)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(
            "PRAGMA synchronous=NORMAL"
        )  # WAL: a power cut may undo a shipment; the journal repeats it
        self._db.create_function("decimal_add", 2, _decimal_add, deterministic=True)
        self._db.create_aggregate("decimal_sum", 1, _DecimalSum)  # type: ignore[arg-type]  # typeshed wants int steps
        with self._transaction():
            self._db.execute("CREATE TABLE IF NOT EXISTS weir_schema (version INTEGER NOT NULL)")
            held = self._db.execute("SELECT max(version) FROM weir_schema").fetchone()[0]
            if held is None or held < SCHEMA:
                self._create(held or SCHEMA)  # what an older version lacks
            elif held > SCHEMA:
                raise StoreUnfit(
                    f"the ledger's tables are of version {held}, this Weir writes version {SCHEMA}"
                )

    def _create(self, before: int) -> None:
        self._db.execute("INSERT INTO weir_schema VALUES (?)", (SCHEMA,))
        for kind, table in TABLES.items():
            self._db.execute(
                f"CREATE TABLE IF NOT EXISTS {table} ({column_definitions(kind, _TYPES)}, "
                "PRIMARY KEY (journal, line)) WITHOUT ROWID"
            )
            held = {row[1] for row in self._db.execute(f"PRAGMA table_info({table})")}
            for name, definition in added_columns(kind, _TYPES):
                if name not in held:
                    self._db.execute(f"ALTER TABLE {table} ADD COLUMN {definition}")
            self._db.execute(f"CREATE INDEX IF NOT EXISTS {table}_id ON {table} (id)")
            self._db.execute(f"CREATE INDEX IF NOT EXISTS {table}_at ON {table} (at)")
        for name, table, columns in INDEXES:
            self._db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {table} ({columns})")
        for rollup in ROLLUPS:
            self._db.execute(
                f"CREATE TABLE IF NOT EXISTS {rollup.table} ({rollup_definitions(rollup, _TYPES)}) WITHOUT ROWID"
            )
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS cursors (journal TEXT PRIMARY KEY, line INTEGER NOT NULL, digest TEXT NOT NULL)"
        )
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS checkpoints (journal TEXT, line INTEGER, digest TEXT NOT NULL, "
            "PRIMARY KEY (journal, line))"
        )
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS pruned (journal TEXT PRIMARY KEY, line INTEGER NOT NULL, digest TEXT NOT NULL)"
        )
        for version, statement in MENDED:
            if before < version:
                self._db.execute(statement.format(usd=_USD))

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
        self._db.execute(begin)
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def claim(self, journal: str, *, alone: bool | None) -> None:
        """As Store.claim: the lock on the journal's directory does it."""

    def rival(self, journal: str, *, alone: bool) -> str:
        """As Store.rival: whoever writes the file waits for its turn."""
        del journal, alone
        return ""

    def cursor(self, journal: str) -> Cursor | None:
        """As Store.cursor."""
        with _translated():
            return self._cursor(journal)

    def _cursor(self, journal: str) -> Cursor | None:
        found = self._db.execute("SELECT line, digest FROM cursors WHERE journal = ?", (journal,)).fetchone()
        return Cursor(*found) if found else None

    def ship(self, journal: str, lines: Sequence[Line]) -> None:
        """As Store.ship."""
        with _translated(), self._transaction():
            held = self._cursor(journal)
            new = decoded_after(held.number if held else 0, lines)
            if not any(new.values()):
                return
            for kind, table in TABLES.items():
                names = row_columns(kind)
                self._db.executemany(
                    f"INSERT INTO {table} ({_quoted(names)}) VALUES ({_marks(names)})",
                    rows(journal, kind, new),
                )
            for rollup in ROLLUPS:
                self._add(rollup, new)
            end = (journal, lines[-1].number, lines[-1].digest)
            self._db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", end)
            if is_checkpoint(held, lines[-1]):
                self._db.execute("INSERT INTO checkpoints VALUES (?, ?, ?)", end)

    def _add(self, rollup: Rollup, decoded: Decoded) -> None:
        keys = ("hour", *rollup.keys)
        names = (*keys, *(total.name for total in rollup.sums))
        grown = ", ".join(
            f"{total.name} = decimal_add({total.name}, excluded.{total.name})"
            if total.money
            else f"{total.name} = {total.name} + excluded.{total.name}"
            for total in rollup.sums
        )
        self._db.executemany(
            f"INSERT INTO {rollup.table} ({_quoted(names)}) VALUES ({_marks(names)}) "
            f"ON CONFLICT ({_quoted(keys)}) DO UPDATE SET {grown}",
            (
                (
                    *key,
                    *(plain_decimal(amount) if isinstance(amount, Decimal) else amount for amount in amounts),
                )
                for key, amounts in rollup.added(decoded).items()
            ),
        )

    def sums(self, question: Question[Answer], by: Sequence[str], start: int, end: int) -> list[Answer]:
        """As Store.sums."""
        query = question.sql(by, _USD, "?")
        with _translated():
            return question.answers(self._db.execute(query, (start // 10**9, end // 10**9)).fetchall(), by)

    def journals(self) -> list[str]:
        """As Store.journals."""
        with _translated():
            return [
                journal for (journal,) in self._db.execute("SELECT journal FROM cursors ORDER BY journal")
            ]

    def checkpoints(self, journal: str) -> list[Cursor]:
        """As Store.checkpoints."""
        query = (
            "SELECT line, digest FROM checkpoints WHERE journal = ? "
            "UNION SELECT line, digest FROM cursors WHERE journal = ? ORDER BY line"
        )
        with _translated():
            return [Cursor(*found) for found in self._db.execute(query, (journal, journal))]

    def standing(self, tenant: str, *, action: str = "", request: str = "") -> Standing | None:
        """As Store.standing."""

        def rows_of(query: str, values: tuple[str, str]) -> list[tuple[Any, ...]]:
            return self._db.execute(query.format("?"), values).fetchall()

        with _translated():
            return find_standing(rows_of, _USD, tenant, action, request)

    def records(self, kind: Kind, start: int, end: int) -> Iterator[Record]:
        """As Store.records."""
        names = _quoted(SHAPES[kind].names)
        query = f"SELECT {names} FROM {TABLES[kind]} WHERE at >= ? AND at < ? ORDER BY at, line"
        with _translated():
            for row in self._db.execute(query, (start, end)):
                yield SHAPES[kind].decode(row)

    def matching(self, kind: Kind, field: str, value: str, start: int, end: int) -> list[Record]:
        """As Store.matching."""
        shape = SHAPES[kind]
        query = (
            f"SELECT {_quoted(shape.names)} FROM {TABLES[kind]} "
            f"WHERE {_quoted([field])} = ? AND at >= ? AND at < ? ORDER BY at, line"
        )
        with _translated():
            return [shape.decode(row) for row in self._db.execute(query, (value, start, end))]

    def chain(self, journal: str, after: int) -> Generator[tuple[int, Kind, Record], None, None]:
        """As Store.chain."""
        with _translated(), self._transaction("BEGIN"):
            yield from merge(*(self._chain_of(kind, journal, after) for kind in TABLES), key=itemgetter(0))

    def _chain_of(self, kind: Kind, journal: str, after: int) -> Iterator[tuple[int, Kind, Record]]:
        names = _quoted(SHAPES[kind].names)
        query = f"SELECT line, {names} FROM {TABLES[kind]} WHERE journal = ? AND line > ? ORDER BY line"
        for line, *row in self._db.execute(query, (journal, after)):
            yield line, kind, SHAPES[kind].decode(row)

    def pruned(self, journal: str) -> Cursor | None:
        """As Store.pruned."""
        query = "SELECT line, digest FROM pruned WHERE journal = ?"
        with _translated():
            found = self._db.execute(query, (journal,)).fetchone()
        return Cursor(*found) if found else None

    def expired(self, journal: str, after: int, before: int) -> int:
        """As Store.expired."""
        with _translated():
            held = self._cursor(journal)
            last = held.number if held else 0
            for table in TABLES.values():
                query = (
                    f"SELECT line FROM {table} WHERE journal = ? AND line > ? AND line <= ? AND at >= ? "
                    "ORDER BY line LIMIT 1"
                )
                found = self._db.execute(query, (journal, after, last, before)).fetchone()
                last = found[0] - 1 if found else last
        return last

    def discard(self, journal: str, end: Cursor) -> None:
        """As Store.discard."""
        with _translated(), self._transaction():
            for table in (*TABLES.values(), "checkpoints"):
                self._db.execute(
                    f"DELETE FROM {table} WHERE journal = ? AND line <= ?", (journal, end.number)
                )
            self._db.execute(
                "INSERT OR REPLACE INTO pruned VALUES (?, ?, ?)", (journal, end.number, end.digest)
            )

    def tidy(self, before: int) -> None:
        """As Store.tidy: SQLite uses the room again by itself; the file does not shrink."""

    def close(self) -> None:
        """As Store.close."""
        self._db.close()


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _marks(names: Sequence[str]) -> str:
    return ", ".join("?" * len(names))
