"""The tables: one per kind of record, the hourly sums, and how far each journal has come.

A row is known by its journal and its line number there, never by a request's id, which clients choose.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass
from decimal import Decimal
from typing import Any, Final

from gateway.ledger.encoding import SHAPES, Column, ColumnType, empty_value
from gateway.ledger.reading import Line
from gateway.ledger.records import Kind

TABLES: Final[Mapping[Kind, str]] = {
    "request": "requests",
    "attempt": "attempts",
    "gpu": "gpu_bookings",
    "window": "gpu_windows",
    "energy": "energy_bookings",
    "action": "actions",
    "feedback": "feedback",
    "awaited": "awaited",
    "rerating": "reratings",
}
INDEXES: Final = (  # (name, table, columns), beside the id and the time of every table
    ("actions_action", "actions", "tenant, action"),
)
_HOUR_NS: Final = 3_600_000_000_000

Members = Mapping[str, Any]
Decoded = Mapping[Kind, Sequence[tuple[Line, Members]]]  # lines and their records' fields, parsed once


@dataclass(frozen=True, slots=True)
class Sum:
    """One figure of an hourly table: its column, and what a record adds to it."""

    name: str
    of: Callable[[Members], int | Decimal]
    money: bool = False


@dataclass(frozen=True, slots=True)
class Rollup:
    """Hourly sums of one kind of record by some of its fields; they keep queries off the rows themselves."""

    table: str
    kind: Kind
    time: str  # the field whose hour counts
    keys: tuple[str, ...]
    sums: tuple[Sum, ...]

    def added(self, decoded: Decoded) -> dict[tuple[int | str, ...], list[int | Decimal]]:
        """What those lines add: (hour in UTC seconds, *keys) → sums."""
        totals: dict[tuple[int | str, ...], list[int | Decimal]] = {}
        left_out = {column.name: empty_value(column) for column in SHAPES[self.kind].columns}
        keys = tuple((name, left_out[name]) for name in self.keys)  # a line holds no field at its default
        for _, members in decoded[self.kind]:
            key = (members[self.time] // _HOUR_NS * 3600, *(members.get(*each) for each in keys))
            amounts = [total.of(members) for total in self.sums]
            held = totals.get(key)
            totals[key] = amounts if held is None else [a + b for a, b in zip(held, amounts, strict=True)]
        return totals


def _one(_: Members) -> int:
    return 1


def _field(name: str) -> Callable[[Members], int]:
    return lambda members: members.get(name) or 0


def _usd(members: Members) -> Decimal:
    return Decimal(members.get("usd") or 0)


def _unpriced(members: Members) -> int:
    return int(members.get("usd") is None)


_TOKENS: Final = ("input", "cache_read", "cache_write", "output", "reasoning", "audio_in", "audio_out")

SPEND: Final = Rollup(
    table="hourly_spend",
    kind="attempt",
    time="at",
    keys=("tenant", "workflow", "route", "model", "backend", "zone"),
    sums=(
        Sum("attempts", _one),
        *(Sum(f"{name}_tokens", _field(f"{name}_tokens")) for name in _TOKENS),
        Sum("usd", _usd, money=True),
        Sum("unpriced", _unpriced),
        Sum("gpu_ns", _field("gpu_ns")),
    ),
)
REQUESTS: Final = Rollup(
    table="hourly_requests",
    kind="request",
    time="at",
    keys=("tenant", "workflow", "route", "model", "zone", "level", "outcome"),
    sums=(
        Sum("requests", _one),
        Sum("duration_ns", _field("duration_ns")),
        Sum("overhead_ns", _field("overhead_ns")),
        Sum("ttft_ns", _field("ttft_ns")),
        Sum("ttft_known", lambda members: int(members.get("ttft_ns") is not None)),
    ),
)
KEYS: Final = Rollup(
    table="hourly_keys",
    kind="request",
    time="at",
    keys=("tenant", "key"),
    sums=(
        Sum("requests", _one),
        Sum("usd", _usd, money=True),
        Sum("unpriced", lambda members: 0 if "usd" in members else members.get("attempts", 0)),
        Sum("gpu_ns", _field("gpu_ns")),
    ),
)
GPU: Final = Rollup(
    table="hourly_gpu",
    kind="gpu",
    time="window",
    keys=("backend", "replica", "use", "tenant", "workflow", "route", "model"),
    sums=(Sum("gpu_ns", _field("gpu_ns")), Sum("usd", _usd, money=True), Sum("unpriced", _unpriced)),
)
ENERGY: Final = Rollup(
    table="hourly_energy",
    kind="energy",
    time="window",
    keys=("backend", "replica", "use", "tenant", "workflow", "route", "model"),
    sums=(
        Sum("energy_uj", _field("energy_uj")),
        Sum("usd", _usd, money=True),
        Sum("unknown", lambda members: int(members.get("energy_uj") is None)),
    ),
)
ACTIONS: Final = Rollup(
    table="hourly_actions",
    kind="action",
    time="closed",
    keys=("tenant", "workflow", "outcome"),
    sums=(
        Sum("actions", lambda members: members.get("count", 1)),
        Sum("requests", _field("requests")),
        Sum("usd", _usd, money=True),
        Sum("unpriced", _field("unpriced")),
        Sum("gpu_ns", _field("gpu_ns")),
    ),
)
RERATINGS: Final = Rollup(
    table="hourly_reratings",
    kind="rerating",
    time="at",
    keys=("of", "tenant", "workflow", "route", "model", "backend", "zone", "replica", "use"),
    sums=(
        Sum("usd", lambda members: Decimal(members.get("delta") or 0), money=True),
        Sum("priced", lambda members: int(members.get("before") is None)),
    ),
)
ROLLUPS: Final = (SPEND, REQUESTS, KEYS, GPU, ENERGY, ACTIONS, RERATINGS)

# What tables of an older version need beside new columns: (the version that needs it no more, SQL, where `{usd}` is the
# database's exact sum of that column).
MENDED: Final = (
    (5, "UPDATE hourly_requests SET outcome = 'ok' WHERE outcome = ''"),
    (
        8,
        "INSERT INTO hourly_keys SELECT at / 3600000000000 * 3600, tenant, key, count(*), coalesce({usd}, '0'), "
        "sum(CASE WHEN usd IS NULL THEN attempts ELSE 0 END), coalesce(sum(gpu_ns), 0) "
        "FROM requests GROUP BY 1, 2, 3 ON CONFLICT DO NOTHING",
    ),
)


def row_columns(kind: Kind) -> tuple[str, ...]:
    """A table's columns in the order rows are written: where the line stands, then the record."""
    return ("journal", "line", *SHAPES[kind].names)


def decoded_after(held: int, lines: Iterable[Line]) -> Decoded:
    """The lines behind line `held`, decoded, by kind. Raises ValueError for a kind this Weir does not know."""
    decoded: dict[Kind, list[tuple[Line, Members]]] = {kind: [] for kind in TABLES}
    for line in lines:
        if line.kind not in decoded:
            raise ValueError(f"the journal holds a {line.kind!r} record, which a newer Weir wrote")
        if line.number > held:
            decoded[line.kind].append((line, line.members))
    return decoded


def rows(journal: str, kind: Kind, decoded: Decoded) -> Iterable[Sequence[Any]]:
    """The table rows of the lines of that kind."""
    shape = SHAPES[kind]
    return ([journal, line.number, *shape.row(members)] for line, members in decoded[kind])


def column_definitions(kind: Kind, types: Mapping[ColumnType, str]) -> str:
    """The columns of a kind's table as SQL, in a database's own type names."""
    required = {"id", "at", "tenant"}
    own = (
        f'"{column.name}" {types[column.type]}{" NOT NULL" if column.name in required else ""}'
        for column in SHAPES[kind].columns
    )
    return ", ".join((f"journal {types['text']} NOT NULL", f"line {types['integer']} NOT NULL", *own))


def added_columns(kind: Kind, types: Mapping[ColumnType, str]) -> Iterable[tuple[str, str]]:
    """The columns an older table may lack, by name, as SQL; old rows get the default their lines imply."""
    for column in SHAPES[kind].columns:
        if column.default is not MISSING:
            yield column.name, f'"{column.name}" {types[column.type]} DEFAULT {_literal(column)}'


def _literal(column: Column) -> str:
    """A column's default as SQL. They are our own: names, numbers, empty lists."""
    value = empty_value(column)
    if value is None or isinstance(value, bool):
        return "NULL" if value is None else str(value).upper()
    return f"'{value}'"


def rollup_definitions(rollup: Rollup, types: Mapping[ColumnType, str]) -> str:
    """The columns and the key of an hourly table as SQL."""
    keys = (f"{name} {types['text']} NOT NULL" for name in rollup.keys)
    sums = (
        f"{total.name} {types['decimal' if total.money else 'integer']} NOT NULL" for total in rollup.sums
    )
    return ", ".join(
        (f"hour {types['integer']} NOT NULL", *keys, *sums, f"PRIMARY KEY (hour, {', '.join(rollup.keys)})")
    )
