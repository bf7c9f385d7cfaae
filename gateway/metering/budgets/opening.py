"""What was spent before this process began: read from the ledger, so that a restart renews no budget.

For a gateway that counts by itself; Redis remembers by itself. All figures come from the hourly sums.
"""

from collections.abc import Iterable
from decimal import Decimal

from gateway.ledger.store import Store
from gateway.ledger.sums import SPENT, SPENT_BY_KEY
from gateway.metering.budgets.calendar import Calendar, Window
from gateway.metering.budgets.limits import Limit, gpu_micros, nano_dollars
from gateway.state.claims import Account

_NS_PER_MS = 1_000_000


class _Sum:
    """US dollars and GPU-nanoseconds."""

    __slots__ = ("gpu_ns", "usd")

    def __init__(self) -> None:
        self.usd = Decimal(0)
        self.gpu_ns = 0

    def add(self, usd: Decimal, gpu_ns: int) -> None:
        self.usd += usd
        self.gpu_ns += gpu_ns


def spent_before(
    store: Store, limits: Iterable[Limit], unpriced_usd: Decimal, now_ns: int
) -> dict[Account, int]:
    """What each budget's account has settled in its window so far. Raises StoreUnavailable, StoreUnfit."""
    windows = Calendar().windows(now_ns)
    by_window: dict[Window, list[Limit]] = {}
    for limit in limits:
        if limit.measure.is_budget:
            by_window.setdefault(windows[limit.measure.period], []).append(limit)
    found = {}
    for window, budgets in by_window.items():
        sums = _sums(store, window, unpriced_usd)
        if any(limit.scope == "key" for limit in budgets):
            sums |= _key_sums(store, window, unpriced_usd)
        for limit in budgets:
            total = sums.get((limit.scope, limit.tenant, limit.subject))
            if total is not None:
                amount = nano_dollars(total.usd) if limit.measure.unit == "usd" else gpu_micros(total.gpu_ns)
                found[limit.account(window)] = amount
    return found


_Sums = dict[tuple[str, str, str], _Sum]


def _sums(store: Store, window: Window, unpriced_usd: Decimal) -> _Sums:
    """By tenant and by workflow. What has no known price counts as its estimate, as it did when it was settled."""
    sums: _Sums = {}
    for spend in store.sums(SPENT, ("tenant", "workflow"), *_bounds(window)):
        tenant, workflow = spend.by
        usd = spend.usd + spend.unpriced * unpriced_usd
        sums.setdefault(("tenant", tenant, ""), _Sum()).add(usd, spend.gpu_ns)
        sums.setdefault(("workflow", tenant, workflow), _Sum()).add(usd, spend.gpu_ns)
    return sums


def _key_sums(store: Store, window: Window, unpriced_usd: Decimal) -> _Sums:
    """By key."""
    sums: _Sums = {}
    for spend in store.sums(SPENT_BY_KEY, ("tenant", "key"), *_bounds(window)):
        usd = spend.usd + spend.unpriced * unpriced_usd
        tenant, key = spend.by
        sums.setdefault(("key", tenant, key), _Sum()).add(usd, spend.gpu_ns)
    return sums


def _bounds(window: Window) -> tuple[int, int]:
    return window.since * _NS_PER_MS, window.until * _NS_PER_MS
