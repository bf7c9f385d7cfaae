"""What the ledger asks of a database: take lines exactly once, and answer for them."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol

from gateway.ledger.reading import Line
from gateway.ledger.records import FAILED_OUTCOMES, ActionOutcome, Kind, Record
from gateway.ledger.sums import Answer, Question

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


@dataclass(frozen=True, slots=True)
class Standing:
    """How an action stands in the ledger. `usd`, `gpu_ns` are what is booked under its own name: actions that are
    kept together have none. `closed` (UTC nanoseconds) is 0 while it is open."""

    action: str
    workflow: str
    outcome: ActionOutcome
    closed: int
    usd: Decimal = Decimal(0)
    gpu_ns: int = 0


def stands_in_the_way(rival: str) -> str:
    """What to tell an operator of it."""
    return (
        f"another gateway ({rival or 'which has just ended'}) uses this database. Without Redis each would count "
        "budgets and GPU time by itself: set `state.redis` for all of them, or give each a database of its own"
    )


STANDING_REQUEST: Final = "SELECT action, workflow, outcome, at FROM requests WHERE tenant = {0} AND id = {0}"
STANDING_ACTION: Final = (
    "SELECT workflow, outcome, max(closed), {1}, sum(gpu_ns) FROM actions "
    "WHERE tenant = {0} AND action = {0} GROUP BY workflow, outcome HAVING sum(count) > 0"
)
Rows = Callable[[str, tuple[str, str]], Sequence[Sequence[Any]]]


def find_standing(rows: Rows, usd: str, tenant: str, action: str, request: str) -> Standing | None:
    """Store.standing by a database's own way to run a query (`{0}` marks a parameter) and to sum money."""
    asked: Standing | None = None
    if request:
        for name, workflow, outcome, at in rows(STANDING_REQUEST, (tenant, request)):
            failed = outcome in FAILED_OUTCOMES and not name
            asked = Standing(name or request, workflow, "failure" if failed else "unknown", 0 if name else at)
        if asked is None:
            return None
        action = asked.action
    for workflow, outcome, closed, money, gpu_ns in rows(
        STANDING_ACTION.replace("{1}", usd), (tenant, action)
    ):
        return Standing(action, workflow, outcome, closed, Decimal(money), int(gpu_ns))
    return asked


def is_checkpoint(held: Cursor | None, last: Line) -> bool:
    """Whether a shipment that ends at `last` leaves a checkpoint."""
    return (held.number if held else 0) // CHECKPOINT_EVERY < last.number // CHECKPOINT_EVERY


class Store(Protocol):
    """One database. Used from one thread at a time. Every method may raise StoreUnavailable, StoreUnfit."""

    def claim(self, journal: str, *, alone: bool | None) -> None:
        """For as long as this connection lasts, be the only one that ships this journal, and a gateway: if `alone`,
        the only one that uses the database (None: no gateway). Raises StoreUnavailable where another stands in the
        way."""

    def rival(self, journal: str, *, alone: bool) -> str:
        """The gateway that would stand in the way of such a claim, as a person finds it; empty: none would."""

    def cursor(self, journal: str) -> Cursor | None:
        """How far the journal has been shipped; None: never."""

    def ship(self, journal: str, lines: Sequence[Line]) -> None:
        """Rows, hourly sums and cursor in one transaction; lines at or below the cursor are left out."""

    def sums(self, question: Question[Answer], by: Sequence[str], start: int, end: int) -> list[Answer]:
        """The sums of [start, end) (UTC nanoseconds, whole hours), by those dimensions and in their order.
        Raises ValueError for a dimension the question does not have."""

    def standing(self, tenant: str, *, action: str = "", request: str = "") -> Standing | None:
        """How an action of that tenant stands, found by its id or by one of its requests; None: there is none.
        A request without an action's id is an action by itself."""

    def records(self, kind: Kind, start: int, end: int) -> Iterator[Record]:
        """Every record of a kind of [start, end) (UTC nanoseconds), by time."""

    def matching(self, kind: Kind, field: str, value: str, start: int, end: int) -> list[Record]:
        """The records of a kind of [start, end) (UTC nanoseconds) with that value in a field of text, by time."""

    def chain(self, journal: str, after: int) -> Generator[tuple[int, Kind, Record], None, None]:
        """A journal's rows behind line `after`, in line order: number, kind, record. One moment's view of
        the database: close it if you stop early."""

    def checkpoints(self, journal: str) -> list[Cursor]:
        """The chain's values at some lines that were shipped, in order; the last is the cursor."""

    def journals(self) -> list[str]:
        """The ids of the journals shipped here."""

    def pruned(self, journal: str) -> Cursor | None:
        """How far a journal's rows were discarded; None: they are all here."""

    def expired(self, journal: str, after: int, before: int) -> int:
        """The last line of the unbroken run behind line `after` whose rows are all older than `before` (UTC
        nanoseconds)."""

    def discard(self, journal: str, end: Cursor) -> None:
        """Delete a journal's rows up to and including that line; sums stay."""

    def tidy(self, before: int) -> None:
        """Give back the room of what was discarded and is older than that (UTC nanoseconds)."""

    def close(self) -> None:
        """Let go of the connection."""
