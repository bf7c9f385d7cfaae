"""What the ledger asks of a database: take lines exactly once, and answer for them."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from gateway.ledger.reading import Line
from gateway.ledger.records import Kind, Record
from gateway.ledger.sums import GpuTime, Question, Spend

_T = TypeVar("_T", Spend, GpuTime)

# In lines, about. Between two checkpoints a changed row is seen, but not which one it is.
CHECKPOINT_EVERY: Final = 10_000


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


class Store(Protocol):
    """One database. Used from one thread at a time. Every method may raise StoreUnavailable, StoreUnfit."""

    def cursor(self, journal: str) -> Cursor | None:
        """How far the journal has been shipped; None: never."""

    def ship(self, journal: str, lines: Sequence[Line]) -> None:
        """Rows, hourly sums and cursor in one transaction; lines at or below the cursor are left out."""

    def sums(self, question: Question[_T], by: Sequence[str], start: int, end: int) -> list[_T]:
        """The sums of [start, end) (UTC nanoseconds, whole hours), by those dimensions and in their order.
        Raises ValueError for a dimension the question does not have."""

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
