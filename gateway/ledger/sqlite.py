"""The ledger in a SQLite file: the embedded default, for one gateway."""
# ruff: noqa: S608  # tables and columns are named by our own schema; values are always parameters

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from gateway.ledger.encoding import ColumnType, plain_decimal
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
from gateway.ledger.store import StoreUnavailable, StoreUnfit, is_checkpoint

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


class SqliteStore(SqlStore):
    """A SQLite file in WAL mode, so that queries read while the shipper writes."""

    types = _TYPES
    usd = "decimal_sum(usd)"

    def __init__(self, path: Path) -> None:
        """Open the file, make its tables if it is new. Raises StoreUnavailable, StoreUnfit."""
        with self._translated():
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
            self._prepare_tables()

    def _run(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self._db.execute(statement, values)

    def _streamed(self, statement: str, values: Sequence[Any]) -> Iterator[Row]:
        return self._db.execute(statement, values)

    def _translated(self) -> AbstractContextManager[None]:
        return _translated()

    def _one_view(self) -> AbstractContextManager[None]:
        return self._transaction("BEGIN")

    @property
    def _rollup_kept(self) -> str:
        return "WITHOUT ROWID"

    def _create_table(self, kind: Kind, table: str) -> None:
        self._run(
            f"CREATE TABLE IF NOT EXISTS {table} ({column_definitions(kind, _TYPES)}, "
            "PRIMARY KEY (journal, line)) WITHOUT ROWID"
        )
        held = {row[1] for row in self._run(f"PRAGMA table_info({table})")}
        for name, definition in added_columns(kind, _TYPES):
            if name not in held:
                self._run(f"ALTER TABLE {table} ADD COLUMN {definition}")

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

    def ship(self, journal: str, lines: Sequence[Line]) -> None:
        """As Store.ship."""
        with self._translated(), self._transaction():
            held = self._place("cursors", journal)
            new = decoded_after(held.number if held else 0, lines)
            if not any(new.values()):
                return
            for kind, table in TABLES.items():
                names = row_columns(kind)
                self._db.executemany(
                    f"INSERT INTO {table} ({quoted(names)}) VALUES ({_marks(names)})",
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
            f"INSERT INTO {rollup.table} ({quoted(names)}) VALUES ({_marks(names)}) "
            f"ON CONFLICT ({quoted(keys)}) DO UPDATE SET {grown}",
            (
                (
                    *key,
                    *(plain_decimal(amount) if isinstance(amount, Decimal) else amount for amount in amounts),
                )
                for key, amounts in rollup.added(decoded).items()
            ),
        )

    def tidy(self, before: int) -> None:
        """As Store.tidy: SQLite uses the room again by itself; the file does not shrink."""

    def close(self) -> None:
        """As Store.close."""
        self._db.close()


def _marks(names: Sequence[str]) -> str:
    return ", ".join("?" * len(names))
