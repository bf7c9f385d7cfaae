"""One table of fields per kind of record, from which its journal line, its database row and back are made.

A field at its default is left out of the line: lines stay short, and a field added later (with a default)
leaves the digests of older lines as they were. A record read back from a database encodes to the very
bytes of its journal line; `verify` rests on that.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from decimal import Decimal
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import orjson

from adapters.chat import TokenUsage
from gateway.ledger.records import (
    ActionRecord,
    AttemptRecord,
    AwaitedRecord,
    EnergyBooking,
    FeedbackRecord,
    GpuBooking,
    GpuWindow,
    Kind,
    Record,
    RequestRecord,
    Rerating,
)

ColumnType = Literal[
    "text", "integer", "real", "boolean", "decimal", "date", "json", "money"
]  # money: component → USD

# A record told by its members alone, in the order of its columns and without those at their default; or by the very
# text of these.
Entry = tuple[Kind, dict[str, Any] | bytes]

_BACKSLASH: Final = 0x5C
_INT64: Final = 2**63 - 1
_USAGE_NAMES: Final = {
    "source": "usage_source",
    "tier": "service_tier",
}  # of a usage's fields that count nothing
_types: Final[Mapping[Any, ColumnType]] = {
    bool: "boolean",
    int: "integer",
    float: "real",
    Decimal: "decimal",
    date: "date",
    str: "text",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One field: its name in lines and tables, where it stands in the record, its type, its default."""

    name: str
    path: str
    type: ColumnType
    default: Any


class Shape:
    """One kind of record: its columns, and how to write and read it."""

    def __init__(self, kind: Kind, record: type[Record]) -> None:
        self.kind: Final[Kind] = kind
        self.record: Final = record
        self.columns: Final = tuple(_columns(record))
        self.names: Final = tuple(column.name for column in self.columns)
        self._empty_row = {column.name: empty_value(column) for column in self.columns}
        self._json = {column.name for column in self.columns if column.type in ("json", "money")}
        self._tokens = {
            name for name in self.names if name.endswith("_tokens")
        }  # as large as a provider says
        self._values = attrgetter(*(column.path for column in self.columns))
        self._changed = _compiled(self.columns)

    def encode(self, record: Record) -> bytes:
        """The record as one JSON object, without fields at their default."""
        return _text(self._changed(record))

    def whole(self, record: Record) -> bytes:
        """The record as one JSON object with all of its fields, for exports."""
        return orjson.dumps(dict(zip(self.names, self._values(record), strict=True)), default=_plain)

    def row(self, members: Mapping[str, Any]) -> list[Any]:
        """A decoded line as one database row, in the order of `columns`: text, numbers, JSON text.
        Raises ValueError for a field this Weir does not know: dropping it would change the record."""
        row = {**self._empty_row, **members}
        if len(row) != len(self.names):
            unknown = ", ".join(members.keys() - self._empty_row.keys())
            raise ValueError(f"the journal holds fields that a newer Weir wrote: {unknown}")
        for name in self._json & members.keys():
            row[name] = _json_text(members[name])
        for name in self._tokens & members.keys():
            row[name] = min(members[name], _INT64)
        return [*row.values()]

    def decode(self, row: Iterable[Any]) -> Record:
        """A database row, in the order of `columns`, as the record it was."""
        usage: dict[str, Any] = {}
        plain: dict[str, Any] = {}
        for column, value in zip(self.columns, row, strict=True):
            owner, _, name = column.path.rpartition(".")
            (usage if owner else plain)[name] = _read(column.type, value)
        if usage:
            plain["usage"] = TokenUsage(**usage)
        return self.record(**plain)


def _compiled(columns: Iterable[Column]) -> Callable[[Record], dict[str, Any]]:
    """A function that finds a record's fields that are not at their default, each a line of its own: two records are
    encoded for every request, and a loop over columns would take three times as long."""
    lines = ["def changed(record):", " found = {}"]
    names: dict[str, Any] = {"plain_decimal": plain_decimal, "plain_money": _plain_money}
    for at, column in enumerate(columns):
        lines += [
            f" value = record.{column.path}",
            f" if {_differs(at, column.default, names)}: found[{column.name!r}] = {_said(column)}",
        ]
    exec("\n".join([*lines, " return found"]), names)  # noqa: S102  # made of our own field names alone
    changed: Callable[[Record], dict[str, Any]] = names["changed"]
    return changed


def _differs(at: int, default: Any, names: dict[str, Any]) -> str:
    """Whether `value` is not at its default; what that needs is put in `names`."""
    if default is None:
        return "value is not None"
    if not default and not isinstance(default, Decimal | bool):
        return "value"
    names[f"default{at}"] = default
    return f"value != default{at}"


def _said(column: Column) -> str:
    """`value` as its line has it."""
    return {"decimal": "plain_decimal(value)", "money": "plain_money(value)"}.get(column.type, "value")


def _columns(record: type[Record]) -> Iterable[Column]:
    hints = get_type_hints(record)
    for member in fields(record):
        if member.name != "usage":
            made = None if member.default_factory is MISSING else member.default_factory()
            default = made if member.default is MISSING else member.default
            yield Column(member.name, member.name, _column_type(hints[member.name]), default)
            continue
        for token_class in fields(TokenUsage):
            name = _USAGE_NAMES.get(token_class.name, f"{token_class.name}_tokens")
            kind: ColumnType = "text" if token_class.name in _USAGE_NAMES else "integer"
            yield Column(name, f"usage.{token_class.name}", kind, token_class.default)


def _column_type(hint: Any) -> ColumnType:
    """What a field's annotation becomes in a table."""
    origin = get_origin(hint)
    if origin is Literal:
        return "text"
    if origin is UnionType:  # X | None
        return _column_type(next(option for option in get_args(hint) if option is not NoneType))
    if origin is Mapping:
        return "money" if get_args(hint)[1] is Decimal else "json"
    return _types.get(hint, "json")


def plain_decimal(value: Decimal) -> str:
    """A sum of money in digits, as PostgreSQL writes it too: no exponent, the scale kept."""
    return format(value, "f")


def _plain_money(parts: Mapping[str, Decimal]) -> dict[str, str]:
    return {component: format(usd, "f") for component, usd in parts.items()}


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return plain_decimal(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a ledger record cannot hold {type(value).__name__}")


def _text(changed: dict[str, Any]) -> bytes:
    try:
        body = orjson.dumps(changed, default=_plain)
    except TypeError:  # a lone surrogate or an integer beyond 64 bits, from a client or a provider
        return orjson.dumps(_mended(changed), default=_plain)
    if _BACKSLASH in body and b"\\u0000" in body:  # PostgreSQL stores no NUL
        return orjson.dumps(_mended(changed), default=_plain)
    return body


def piece(found: Mapping[str, Any]) -> str:
    """Members as they stand behind others in a line, each with its comma; those that are empty are left out."""
    kept = {name: value for name, value in found.items() if value}
    return f",{_text(kept)[1:-1].decode()}" if kept else ""


def _mended(value: Any) -> Any:
    """The same value, without what JSON or a database refuses: NUL, lone surrogates, giant integers."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return max(-_INT64, min(value, _INT64))
    if isinstance(value, Mapping):
        return {_mended(key): _mended(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(item) for item in value]
    return value


def empty_value(column: Column) -> Any:
    """What stands in a row where the line leaves a field out."""
    default = column.default
    if isinstance(default, Decimal):
        return plain_decimal(default)
    if column.type not in ("json", "money") or default is None:
        return default
    return _json_text(default)


def _json_text(value: Any) -> str:
    return orjson.dumps(value, default=_plain).decode()


_readers: Final[Mapping[ColumnType, Callable[[Any], Any]]] = {
    "text": str,
    "integer": int,
    "real": float,
    "boolean": bool,
    "decimal": lambda value: value if isinstance(value, Decimal) else Decimal(value),
    "date": lambda value: value if isinstance(value, date) else date.fromisoformat(value),
    "json": orjson.loads,
    "money": lambda value: {name: Decimal(usd) for name, usd in orjson.loads(value).items()},
}


def _read(kind: ColumnType, value: Any) -> Any:
    if value is None:
        return None
    read = _readers[kind](value)
    return tuple(read) if isinstance(read, list) else read


SHAPES: Final[Mapping[Kind, Shape]] = {
    "request": Shape("request", RequestRecord),
    "attempt": Shape("attempt", AttemptRecord),
    "gpu": Shape("gpu", GpuBooking),
    "window": Shape("window", GpuWindow),
    "energy": Shape("energy", EnergyBooking),
    "action": Shape("action", ActionRecord),
    "feedback": Shape("feedback", FeedbackRecord),
    "awaited": Shape("awaited", AwaitedRecord),
    "rerating": Shape("rerating", Rerating),
}
_by_record: Final[Mapping[type, Shape]] = {shape.record: shape for shape in SHAPES.values()}


def encoded(record: Record | Entry) -> tuple[Kind, bytes]:
    """A record's kind, and the record as one JSON object without fields at their default."""
    if isinstance(record, tuple):
        kind, told = record
        return kind, told if isinstance(told, bytes) else _text(told)
    shape = _by_record[type(record)]
    return shape.kind, shape.encode(record)


def members(record: Record | Entry) -> dict[str, Any]:
    """A record's fields that differ from their default, as a line of the journal holds them."""
    found: dict[str, Any] = orjson.loads(encoded(record)[1])
    return found


def from_members(kind: Kind, found: Mapping[str, Any]) -> Record:
    """The record again. Raises ValueError for a field this Weir does not know."""
    shape = SHAPES[kind]
    return shape.decode(shape.row(found))
