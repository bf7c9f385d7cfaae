"""What the ledger asks of a database: take lines exactly once, and answer for them."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal, Protocol, get_args

from gateway.ledger.reading import Line
from gateway.ledger.records import Kind, Record

CHECKPOINT_EVERY: Final = (
    10_000  # lines, about; between two of them a changed row is seen, but not which it is
)

Dimension = Literal["day", "hour", "tenant", "workflow", "route", "model", "backend", "zone"]
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)
_expressions: Final[Mapping[Dimension, str]] = {"day": "hour / 86400 * 86400"}
_time_formats: Final[Mapping[Dimension, str]] = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H:00Z"}


class StoreUnavailable(Exception):  # noqa: N818  # a state that passes; nothing is wrong with the caller
    """The database cannot be reached, or refused just now: the journal holds, try later."""


class StoreUnfit(Exception):  # noqa: N818  # it names the store's condition
    """The database answers, but Weir must not write to it: another schema, or a journal it knows more of."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a journal has been shipped: its last line's number and chain value."""

    number: int
    digest: str


def is_checkpoint(held: Cursor | None, last: Line) -> bool:
    """Whether a shipment that ends at `last` leaves a checkpoint."""
    return (held.number if held else 0) // CHECKPOINT_EVERY < last.number // CHECKPOINT_EVERY


@dataclass(frozen=True, slots=True)
class Spend:
    """A sum over attempts. `usd` leaves out what has no known price: that many attempts are `unpriced`."""

    by: tuple[str, ...]  # the values of the dimensions asked for, in their order
    attempts: int
    input_tokens: int  # uncached
    cached_tokens: int  # read from and written to caches
    output_tokens: int  # with reasoning
    usd: Decimal
    unpriced: int
    gpu_ns: int


class Store(Protocol):
    """One database. Used from one thread at a time. Every method may raise StoreUnavailable, StoreUnfit."""

    def cursor(self, journal: str) -> Cursor | None:
        """How far the journal has been shipped; None: never."""

    def ship(self, journal: str, lines: Sequence[Line]) -> None:
        """Rows, hourly sums and cursor in one transaction; lines at or below the cursor are left out."""

    def spend(self, by: Sequence[Dimension], start: int, end: int) -> list[Spend]:
        """Sums of attempts begun in [start, end) (UTC nanoseconds, whole hours) by dimensions, sorted."""

    def records(self, kind: Kind, start: int, end: int) -> Iterator[Record]:
        """Every record of a kind of [start, end) (UTC nanoseconds), by time."""

    def chain(self, journal: str, after: int) -> Generator[tuple[int, Kind, Record], None, None]:
        """A journal's rows behind line `after`, in line order: number, kind, record. One moment's view of
        the database: close it if you stop early."""

    def checkpoints(self, journal: str) -> list[Cursor]:
        """The chain's values at some lines that were shipped, in order; the last is the cursor."""

    def journals(self) -> list[str]:
        """The ids of the journals shipped here."""

    def close(self) -> None:
        """Let go of the connection."""


def spend_query(by: Sequence[Dimension], usd: str, mark: str) -> str:
    """The SQL behind Store.spend: `usd` is the database's exact sum, `mark` its parameter mark (start, end in
    UTC seconds)."""
    groups = [_expressions.get(dimension, dimension) for dimension in by]
    sums = (
        "sum(attempts)",
        "sum(input_tokens + audio_in_tokens)",
        "sum(cache_read_tokens + cache_write_tokens)",
        "sum(output_tokens + reasoning_tokens + audio_out_tokens)",
        usd,
        "sum(unpriced)",
        "sum(gpu_ns)",
    )
    grouped = f" GROUP BY {', '.join(groups)} ORDER BY {', '.join(groups)}" if groups else ""
    return (
        f"SELECT {', '.join((*groups, *sums))} FROM hourly_spend "  # noqa: S608  # only names of our own
        f"WHERE hour >= {mark} AND hour < {mark}{grouped}"
    )


def spend_of(row: Sequence[Any], by: Sequence[Dimension]) -> Spend:
    """A row that `spend_query` found."""
    values = tuple(
        datetime.fromtimestamp(value, UTC).strftime(_time_formats[name])
        if name in _time_formats
        else str(value)
        for name, value in zip(by, row, strict=False)
    )
    attempts, uncached, cached, output, usd, unpriced, gpu_ns = row[len(by) :]
    return Spend(
        values,
        int(attempts),
        int(uncached),
        int(cached),
        int(output),
        Decimal(usd),
        int(unpriced),
        int(gpu_ns),
    )
