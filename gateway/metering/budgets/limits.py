"""What limits a request: the ceilings of its tenant, its key and its workflow, made from the configuration.

Amounts are whole numbers: nano-dollars, GPU-microseconds, tokens, requests; money and time are rounded up.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, Literal

from gateway.configuration.settings import Ceilings, ReserveSettings, StateSettings, TenantSettings
from gateway.configuration.snapshot import Snapshot
from gateway.metering.budgets.calendar import Period, Window
from gateway.state.claims import Account

Scope = Literal["tenant", "key", "workflow"]
Unit = Literal["usd", "gpu", "tokens", "requests", "concurrent"]

NANO: Final = Decimal(10) ** 9  # of a dollar
MICRO: Final = Decimal(10) ** 6  # of a GPU-second


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is counted. `name` is its key in the configuration; budgets are of money or GPU time."""

    name: str
    unit: Unit
    period: Period

    @property
    def is_budget(self) -> bool:
        """Whether it is spent, and its lack ends the day; else it comes back within a minute."""
        return self.unit in {"usd", "gpu"}


_MEASURES: Final[tuple[tuple[Measure, Callable[[Ceilings], Decimal | int | None]], ...]] = (
    (Measure("usd_per_day", "usd", "day"), lambda own: own.budget.usd_per_day),
    (Measure("usd_per_month", "usd", "month"), lambda own: own.budget.usd_per_month),
    (Measure("gpu_seconds_per_day", "gpu", "day"), lambda own: own.budget.gpu_seconds_per_day),
    (Measure("requests_per_minute", "requests", "minute"), lambda own: own.limits.requests_per_minute),
    (Measure("tokens_per_minute", "tokens", "minute"), lambda own: own.limits.tokens_per_minute),
    (Measure("concurrent", "concurrent", "none"), lambda own: own.limits.concurrent),
)


@dataclass(frozen=True, slots=True)
class Limit:
    """One ceiling of one tenant, key or workflow, in the measure's own amounts."""

    tenant: str
    scope: Scope
    subject: str  # the key's id or the workflow's name; empty for the tenant itself
    measure: Measure
    ceiling: int

    @property
    def name(self) -> str:
        """As metrics call it, without its subject: `usd_per_day`, `key.concurrent`, …"""
        return self.measure.name if self.scope == "tenant" else f"{self.scope}.{self.measure.name}"

    def account(self, window: Window) -> Account:
        """Where it is counted. Its name holds no ceiling, so that a reload changes what may be spent, not what was."""
        return Account(
            self.tenant, f"{self.scope}/{self.subject}/{self.measure.name}/{window.name}", window.until
        )


class Allowance:
    """All that limits a request: `budgets` are those of the limits that are spent; `downgrade`: over budget, to the
    next of its route's models that it covers; `spends_dollars`: whether prices matter to it."""

    __slots__ = ("_accounts", "_windows", "budgets", "downgrade", "limits", "spends_dollars")

    def __init__(self, limits: tuple[Limit, ...], *, downgrade: bool) -> None:
        self.limits: Final = limits
        self.downgrade: Final = downgrade
        self.budgets: Final = tuple(limit for limit in limits if limit.measure.is_budget)
        self.spends_dollars: Final = any(limit.measure.unit == "usd" for limit in limits)
        self._windows: Mapping[Period, Window] | None = None
        self._accounts: tuple[tuple[Unit, Account], ...] = ()

    def accounts(self, windows: Mapping[Period, Window]) -> tuple[tuple[Unit, Account], ...]:
        """Where its limits are counted in these windows, with each one's unit; worked out once for them."""
        if windows is not self._windows:
            self._windows = windows
            self._accounts = tuple(
                (limit.measure.unit, limit.account(windows[limit.measure.period])) for limit in self.limits
            )
        return self._accounts


@dataclass(frozen=True, slots=True)
class _Tenant:
    own: tuple[Limit, ...]
    keys: Mapping[str, tuple[Limit, ...]]
    workflows: Mapping[str, tuple[Limit, ...]]
    downgrade: bool
    found: dict[tuple[str, str], Allowance | None] = field(
        default_factory=dict
    )  # by key and workflow that have any


class Allowances:
    """Every limit of one snapshot."""

    def __init__(
        self,
        tenants: Iterable[TenantSettings] = (),
        reserve: ReserveSettings = ReserveSettings(),  # noqa: B008  # immutable
        stance: StateSettings = StateSettings(),  # noqa: B008  # immutable
        *,
        routes_by_budget: bool = True,
    ) -> None:
        """`routes_by_budget`: whether some route asks how much of a budget is used."""
        self._tenants = {each.name: limited for each in tenants if (limited := _limited(each)) is not None}
        self.reserve: Final = reserve
        self.stance: Final = stance
        self.routes_by_budget: Final = routes_by_budget

    @classmethod
    def of_snapshot(cls, snapshot: Snapshot, *, routes_by_budget: bool) -> "Allowances":
        """Those of a configuration."""
        return cls(
            snapshot.tenants.values(), snapshot.reserve, snapshot.state, routes_by_budget=routes_by_budget
        )

    def of(self, tenant: str, key: str, workflow: str) -> Allowance | None:
        """What limits a request; None: nothing does."""
        held = self._tenants.get(tenant)
        if held is None:
            return None
        asked = (key if key in held.keys else "", workflow if workflow in held.workflows else "")
        if asked not in held.found:
            limits = (*held.own, *held.keys.get(key, ()), *held.workflows.get(workflow, ()))
            held.found[asked] = Allowance(limits, downgrade=held.downgrade) if limits else None
        return held.found[asked]

    def all(self) -> list[Limit]:
        """Every limit there is."""
        return [
            limit
            for tenant in self._tenants.values()
            for group in (tenant.own, *tenant.keys.values(), *tenant.workflows.values())
            for limit in group
        ]


def _limited(tenant: TenantSettings) -> _Tenant | None:
    """A tenant's limits; None: it has none."""

    def limits(scope: Scope, subject: str, ceilings: Ceilings) -> tuple[Limit, ...]:
        return tuple(
            Limit(tenant.name, scope, subject, measure, _ceiling(measure, ceiling))
            for measure, read in _MEASURES
            if (ceiling := read(ceilings)) is not None
        )

    own = limits("tenant", "", Ceilings(tenant.budget, tenant.limits))
    keys = {key.id: found for key in tenant.keys if (found := limits("key", key.id, key.ceilings))}
    workflows = {
        name: found
        for name, ceilings in tenant.workflows.items()
        if (found := limits("workflow", name, ceilings))
    }
    if not (own or keys or workflows):
        return None
    return _Tenant(own, keys, workflows, tenant.over_budget == "downgrade")


def _ceiling(measure: Measure, ceiling: Decimal | int) -> int:
    scale = {"usd": NANO, "gpu": MICRO}.get(measure.unit, Decimal(1))
    return int((ceiling * scale).to_integral_value(ROUND_FLOOR))


def nano_dollars(usd: Decimal) -> int:
    """US dollars as an amount, rounded up."""
    return int((usd * NANO).to_integral_value(ROUND_CEILING))


def gpu_micros(gpu_ns: int) -> int:
    """GPU-nanoseconds as an amount, rounded up."""
    return -(-gpu_ns // 1000)


def shown(measure: Measure, amount: int) -> str:
    """An amount as people read it: `12.5 USD`, `30 GPU-seconds`, `600 requests`."""
    match measure.unit:
        case "usd":
            return f"{_plain(amount / NANO)} USD"
        case "gpu":
            return f"{_plain(amount / MICRO)} GPU-seconds"
        case "tokens":
            return f"{amount} tokens"
    return "1 request" if amount == 1 else f"{amount} requests"


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
