"""Money that came after its action had closed: the action stays closed, and the money goes where it went."""

from dataclasses import dataclass
from decimal import Decimal

from gateway.ledger.records import ActionOutcome
from gateway.metering.actions.book import Action

Group = tuple[str, str, ActionOutcome]  # tenant, workflow, outcome


@dataclass(slots=True)
class Tally:
    """What came for one group. `closed`: when the first of its actions did, UTC nanoseconds."""

    closed: int
    usd: Decimal = Decimal(0)
    gpu_ns: int = 0
    requests: int = 0
    unpriced: int = 0


class Late:
    """Collects it until it is booked, once a second."""

    def __init__(self) -> None:
        self._groups: dict[Group, Tally] = {}

    def add(self, action: Action, usd: Decimal, gpu_ns: int, *, requests: int = 0, unpriced: int = 0) -> None:
        """It came for an action that is closed."""
        action.usd += usd
        action.gpu_ns += gpu_ns
        tally = self._groups.setdefault(
            (action.key[0], action.workflow, action.outcome), Tally(action.closed)
        )
        tally.usd += usd
        tally.gpu_ns += gpu_ns
        tally.requests += requests
        tally.unpriced += unpriced

    def booked(self, group: Group) -> None:
        """What came for a group is in the ledger."""
        self._groups.pop(group, None)

    def take(self) -> dict[Group, Tally]:
        """All of it, to be booked now."""
        taken, self._groups = self._groups, {}
        return taken
