"""What every database of the ledger is asked in the same words; how each is reached, written and tidied is its own."""
# ruff: noqa: S608  # tables and columns are named by our own schema; values are always parameters

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from heapq import merge
from operator import itemgetter
from typing import Any, Protocol

from gateway.ledger.encoding import SHAPES, ColumnType
from gateway.ledger.records import SCHEMA, Kind, Record
from gateway.ledger.schema import INDEXES, MENDED, ROLLUPS, TABLES, rollup_definitions
from gateway.ledger.store import Cursor, Standing, StoreUnfit, find_standing
from gateway.ledger.sums import Answer, Question

Row = tuple[Any, ...]


class Found(Protocol):
    """What a statement found."""

    def fetchone(self) -> Row | None:
        """The next row."""

    def fetchall(self) -> Sequence[Row]:
        """All that is left."""


class SqlStore(ABC):
    """As Store. Statements mark their parameters by `?`, whatever the database does."""

    types: Mapping[ColumnType, str]
    usd: str  # the exact sum of a column of that name

    @abstractmethod
    def _run(self, statement: str, values: Sequence[Any] = ()) -> Found:
        """Have a statement run, outside of `_translated`."""

    @abstractmethod
    def _streamed(self, statement: str, values: Sequence[Any]) -> Iterator[Row]:
        """The same, for rows that memory need not hold together; within `_streaming` or `_one_view`."""

    @abstractmethod
    def _translated(self) -> AbstractContextManager[None]:
        """Turns the database's own errors into StoreUnavailable and StoreUnfit."""

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[Any]:
        """All of it or nothing."""

    def _streaming(self) -> AbstractContextManager[Any]:
        """What `_streamed` needs around it."""
        return nullcontext()

    @abstractmethod
    def _one_view(self) -> AbstractContextManager[Any]:
        """A transaction whose queries all see one moment of the database."""

    @abstractmethod
    def _create_table(self, kind: Kind, table: str) -> None:
        """Make a kind's table, or add the columns it lacks."""

    @property
    def _rollup_kept(self) -> str:
        """How hourly tables are kept, as SQL."""
        return ""

    def _prepare_tables(self) -> None:
        """Make the tables, or what those of an older version lack; within a transaction. Raises StoreUnfit."""
        self._run("CREATE TABLE IF NOT EXISTS weir_schema (version integer NOT NULL)")
        found = self._run("SELECT max(version) FROM weir_schema").fetchone()
        held = found[0] if found else None
        if held is None or held < SCHEMA:
            self._create(held or SCHEMA)
        elif held > SCHEMA:
            raise StoreUnfit(f"the ledger's tables are of version {held}, this Weir writes version {SCHEMA}")

    def _create(self, before: int) -> None:
        self._run("INSERT INTO weir_schema VALUES (?)", (SCHEMA,))
        for kind, table in TABLES.items():
            self._create_table(kind, table)
            self._run(f"CREATE INDEX IF NOT EXISTS {table}_id ON {table} (id)")
            self._run(f"CREATE INDEX IF NOT EXISTS {table}_at ON {table} (at)")
        for name, table, columns in INDEXES:
            self._run(f"CREATE INDEX IF NOT EXISTS {name} ON {table} ({columns})")
        for rollup in ROLLUPS:
            columns = rollup_definitions(rollup, self.types)
            self._run(f"CREATE TABLE IF NOT EXISTS {rollup.table} ({columns}) {self._rollup_kept}")
        place = f"line {self.types['integer']} NOT NULL, digest text NOT NULL"
        self._run(f"CREATE TABLE IF NOT EXISTS cursors (journal text PRIMARY KEY, {place})")
        self._run(f"CREATE TABLE IF NOT EXISTS pruned (journal text PRIMARY KEY, {place})")
        self._run(
            f"CREATE TABLE IF NOT EXISTS checkpoints (journal text NOT NULL, {place}, PRIMARY KEY (journal, line))"
        )
        for version, statement in MENDED:
            if before < version:
                self._run(statement.format(usd=self.usd))

    def cursor(self, journal: str) -> Cursor | None:
        """As Store.cursor."""
        with self._translated():
            return self._place("cursors", journal)

    def pruned(self, journal: str) -> Cursor | None:
        """As Store.pruned."""
        with self._translated():
            return self._place("pruned", journal)

    def _place(self, table: str, journal: str, lock: str = "") -> Cursor | None:
        found = self._run(f"SELECT line, digest FROM {table} WHERE journal = ? {lock}", (journal,)).fetchone()
        return Cursor(*found) if found else None

    def journals(self) -> list[str]:
        """As Store.journals."""
        with self._translated():
            found = self._run("SELECT journal FROM cursors ORDER BY journal").fetchall()
        return [journal for (journal,) in found]

    def checkpoints(self, journal: str) -> list[Cursor]:
        """As Store.checkpoints."""
        query = (
            "SELECT line, digest FROM checkpoints WHERE journal = ? "
            "UNION SELECT line, digest FROM cursors WHERE journal = ? ORDER BY line"
        )
        with self._translated():
            return [Cursor(*found) for found in self._run(query, (journal, journal)).fetchall()]

    def sums(self, question: Question[Answer], by: Sequence[str], start: int, end: int) -> list[Answer]:
        """As Store.sums."""
        query = question.sql(by, self.usd, "?")
        with self._translated():
            return question.answers(self._run(query, (start // 10**9, end // 10**9)).fetchall(), by)

    def standing(self, tenant: str, *, action: str = "", request: str = "") -> Standing | None:
        """As Store.standing."""

        def rows_of(query: str, values: tuple[str, str]) -> Sequence[Row]:
            return self._run(query.format("?"), values).fetchall()

        with self._translated():
            return find_standing(rows_of, self.usd, tenant, action, request)

    def records(self, kind: Kind, start: int, end: int) -> Iterator[Record]:
        """As Store.records."""
        shape = SHAPES[kind]
        query = f"SELECT {quoted(shape.names)} FROM {TABLES[kind]} WHERE at >= ? AND at < ? ORDER BY at, line"
        with self._translated(), self._streaming():
            for row in self._streamed(query, (start, end)):
                yield shape.decode(row)

    def matching(self, kind: Kind, field: str, value: str, start: int, end: int) -> list[Record]:
        """As Store.matching."""
        shape = SHAPES[kind]
        query = (
            f"SELECT {quoted(shape.names)} FROM {TABLES[kind]} "
            f"WHERE {quoted([field])} = ? AND at >= ? AND at < ? ORDER BY at, line"
        )
        with self._translated():
            return [shape.decode(row) for row in self._run(query, (value, start, end)).fetchall()]

    def chain(self, journal: str, after: int) -> Generator[tuple[int, Kind, Record], None, None]:
        """As Store.chain."""
        with self._translated(), self._one_view():
            yield from merge(*(self._chain_of(kind, journal, after) for kind in TABLES), key=itemgetter(0))

    def _chain_of(self, kind: Kind, journal: str, after: int) -> Iterator[tuple[int, Kind, Record]]:
        shape = SHAPES[kind]
        names = quoted(shape.names)
        query = f"SELECT line, {names} FROM {TABLES[kind]} WHERE journal = ? AND line > ? ORDER BY line"
        for line, *row in self._streamed(query, (journal, after)):
            yield line, kind, shape.decode(row)

    def expired(self, journal: str, after: int, before: int) -> int:
        """As Store.expired."""
        with self._translated():
            held = self._place("cursors", journal)
            last = held.number if held else 0
            for table in TABLES.values():
                query = (
                    f"SELECT line FROM {table} WHERE journal = ? AND line > ? AND line <= ? AND at >= ? "
                    "ORDER BY line LIMIT 1"
                )
                found = self._run(query, (journal, after, last, before)).fetchone()
                last = found[0] - 1 if found else last
        return last

    def discard(self, journal: str, end: Cursor) -> None:
        """As Store.discard."""
        with self._translated(), self._transaction():
            for table in (*TABLES.values(), "checkpoints"):
                self._run(f"DELETE FROM {table} WHERE journal = ? AND line <= ?", (journal, end.number))
            self._run(
                "INSERT INTO pruned VALUES (?, ?, ?) ON CONFLICT (journal) DO UPDATE "
                "SET line = excluded.line, digest = excluded.digest WHERE pruned.line < excluded.line",
                (journal, end.number, end.digest),
            )


def quoted(names: Sequence[str]) -> str:
    """Columns, as SQL names them."""
    return ", ".join(f'"{name}"' for name in names)
