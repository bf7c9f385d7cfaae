"""What actions cost, by workflow: all that was spent on them, over those that succeeded."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from gateway.ledger.store import Store
from gateway.ledger.sums import ACTIONS, GPU_TIME

_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class ActionCost:
    """Closed actions and their cost. `idle_usd` is their share, by GPU time, of what the GPUs cost while they
    worked for nobody; `unpriced` attempts are missing from the money."""

    by: tuple[str, ...]
    successes: int
    failures: int
    unknown: int  # nobody said how they ended
    usd: Decimal
    idle_usd: Decimal
    unpriced: int

    @property
    def actions(self) -> int:
        """All of them."""
        return self.successes + self.failures + self.unknown

    @property
    def coverage(self) -> float | None:
        """The share of the actions whose outcome is known; None: there are none."""
        return (self.successes + self.failures) / self.actions if self.actions else None

    @property
    def per_action(self) -> Decimal | None:
        """USD, idle share included; None where there are no actions."""
        return (self.usd + self.idle_usd) / self.actions if self.actions else None

    @property
    def per_success(self) -> Decimal | None:
        """All spend over the successes; None where there are none."""
        return (self.usd + self.idle_usd) / self.successes if self.successes else None


def action_costs(store: Store, by: Sequence[str], start: int, end: int) -> list[ActionCost]:
    """The actions closed in [start, end) (UTC nanoseconds, whole hours), by dimensions of `sums.ACTIONS` other than
    `outcome`. Raises ValueError for another dimension, StoreUnavailable, StoreUnfit."""
    found = store.sums(ACTIONS, (*by, "outcome"), start, end)
    idle = sum(
        (each.usd for each in store.sums(GPU_TIME, ("use",), start, end) if each.by[0] != "request"), _ZERO
    )
    worked = sum(each.gpu_ns for each in found)
    groups: dict[tuple[str, ...], dict[str, int]] = {}
    money: dict[tuple[str, ...], Decimal] = {}
    for each in found:
        key, outcome = each.by[:-1], each.by[-1]
        figures = groups.setdefault(
            key, dict.fromkeys(("unpriced", "gpu_ns", "success", "failure", "unknown"), 0)
        )
        figures[outcome] += each.actions
        figures["unpriced"] += each.unpriced
        figures["gpu_ns"] += each.gpu_ns
        money[key] = money.get(key, _ZERO) + each.usd
    return [
        ActionCost(
            key,
            figures["success"],
            figures["failure"],
            figures["unknown"],
            money[key],
            idle * figures["gpu_ns"] / worked if worked else _ZERO,
            figures["unpriced"],
        )
        for key, figures in groups.items()
    ]
