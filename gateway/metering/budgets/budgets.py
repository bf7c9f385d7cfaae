"""Holds requests to their budgets and limits: reserves before the call, settles after it."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from gateway.configuration.settings import StateSettings
from gateway.metering.budgets.calendar import Calendar, Window
from gateway.metering.budgets.estimates import Upper, Way
from gateway.metering.budgets.limits import Allowance, Allowances, Limit, Unit, shown
from gateway.metering.prometheus import Metrics
from gateway.state.claims import Account, Claim, Full, Gone, Held, State

REFRESH_SECONDS: Final = 5.0  # between looks at how much of each budget is used
_NO_CEILING: Final = 2**53
RETRY_SECONDS: Final = 5  # what a client is told while the state is gone


class LimitReached(Exception):  # noqa: N818  # it names an answer
    """A limit leaves no room for the request. `retry_after` in seconds; the message is fit for the client."""

    def __init__(self, limit: Limit, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.limit: Final = limit
        self.retry_after: Final = retry_after


class OverBudget(LimitReached):
    """Its budget does not cover the request."""


class OverRate(LimitReached):
    """There are too many requests or tokens at a time."""


class CannotCount(Exception):  # noqa: N818  # it names an answer
    """The shared state is gone, and the stance is to refuse. `retry_after` in seconds."""

    retry_after: Final = RETRY_SECONDS

    def __init__(self) -> None:
        super().__init__("Weir cannot tell just now what is left of this tenant's budget. Try again soon.")


class Spent(NamedTuple):
    """What a request used, or may use, by the units of measures: nano-dollars, GPU-microseconds, tokens. A request is
    one request, and one under way."""

    usd: int
    gpu: int
    tokens: int
    requests: int = 1
    concurrent: int = 1

    def of(self, unit: Unit) -> int:
        """The amount in a measure's unit."""
        amount: int = getattr(self, unit)
        return amount


class Hold:
    """What one request holds, until it is settled. `targets` may be tried, by their place in the decision; `most` is
    what it is thought to use at most."""

    __slots__ = ("_accounts", "_lease", "_state", "_uppers", "most", "targets")

    def __init__(
        self,
        state: State,
        lease: str,
        accounts: Sequence[tuple[Unit, Account]],
        targets: tuple[int, ...],
        uppers: Mapping[str, Upper],
        most: Spent,
    ) -> None:
        self._state = state
        self.most: Final = most
        self._lease = lease
        self._accounts = accounts
        self.targets: Final = targets
        self._uppers = uppers

    def estimate(self, model: str) -> int:
        """The nano-dollars an attempt at this model was thought to cost: its charge, should that stay unknown."""
        known = self._uppers.get(model)
        return max(each.usd for each in self._uppers.values()) if known is None else known.usd

    def settle(self, spent: Spent, line: int = 0) -> None:
        """The request is over: let go, and count what it used, in the windows in which it began. Once; later
        calls change nothing. `line`: the number of its line in the ledger's journal."""
        self._state.settle(
            self._lease,
            [(account, spent.of(unit)) for unit, account in self._accounts if unit != "concurrent"],
            line,
        )


class Budgets:
    """Asks the state, and says what it answers in the words of tenants and requests. One per process."""

    def __init__(self, state: State, metrics: Metrics, now_ns: Callable[[], int]) -> None:
        """`now_ns`: UTC nanoseconds."""
        self._state = state
        self._metrics = metrics
        self._now_ns = now_ns
        self._calendar = Calendar()
        self._shown: set[tuple[str, str]] = set()

    async def used(self, allowance: Allowance) -> float:
        """The share of the tightest budget that is spent or held. 1 where it cannot be told."""
        budgets = allowance.budgets
        if not budgets:
            return 0.0
        try:
            amounts = await self._state.used([self._account(limit) for limit in budgets])
        except Gone:
            return 1.0
        return max(_share(used, limit.ceiling) for used, limit in zip(amounts, budgets, strict=True))

    async def reserve(
        self,
        lease: str,
        allowance: Allowance,
        ways: Sequence[Way],
        tokens: int,
        uppers: Mapping[str, Upper],
        stance: StateSettings,
    ) -> Hold:
        """Hold what the request may use, for the first of its ways that fits; `tokens` at most, of prompt and
        answer. Raises OverBudget, OverRate, CannotCount."""
        most = [Spent(way.upper.usd, way.upper.gpu, tokens) for way in ways]
        accounts = allowance.accounts(self._calendar.windows(self._now_ns()))
        claims = [
            Claim(account, limit.ceiling, tuple([getattr(spent, unit) for spent in most]))
            for limit, (unit, account) in zip(allowance.limits, accounts, strict=True)
        ]
        found: Held | Full
        try:
            found = await self._state.reserve(lease, claims)
        except Gone:
            found = self._unasked(lease, allowance, stance)
        except asyncio.CancelledError:
            self._state.settle(lease, ())
            raise
        if isinstance(found, Full):
            raise self._full(allowance.limits[found.claim], found.used, claims[found.claim].amounts[-1])
        return Hold(self._state, lease, accounts, ways[found.way].targets, uppers, most[found.way])

    async def hold_again(self, lease: str, allowance: Allowance, at_ns: int, most: Spent, model: str) -> Hold:
        """Hold for a request that began before this process did (`at_ns`, UTC) what it held then: in the windows of
        that time, and whatever their ceilings say, since it is under way."""
        accounts = allowance.accounts(Calendar().windows(at_ns))
        claims = [Claim(account, _NO_CEILING, (most.of(unit),)) for unit, account in accounts]
        with contextlib.suppress(Gone):  # then it is only settled
            await self._state.reserve(lease, claims)
        return Hold(self._state, lease, accounts, (0,), {model: Upper(most.usd, most.gpu)}, most)

    def _unasked(self, lease: str, allowance: Allowance, stance: StateSettings) -> Held:
        """The state is gone: go on uncounted until it is back, or not at all."""
        if (stance.money if allowance.budgets else stance.rates) == "allow":
            return Held(0)
        self._state.settle(lease, ())
        self._refused(allowance.limits[0].tenant, "unknown")
        raise CannotCount

    def _full(self, limit: Limit, used: int, wanted: int) -> LimitReached:
        self._refused(limit.tenant, limit.name)
        window, now_ms = self._window(limit), self._now_ns() // 1_000_000
        wait = max(1, -(-(window.until - now_ms) // 1000)) if window.until else 1
        kind = OverBudget if limit.measure.is_budget else OverRate
        return kind(limit, _message(limit, used, wanted, wait), wait)

    def downgraded(self, tenant: str) -> None:
        """Count a request whose first model its budget did not cover."""
        self._metrics.downgrades.at(self._metrics.tenant(tenant)).value += 1

    def _refused(self, tenant: str, limit: str) -> None:
        self._metrics.limit_refusals.at(self._metrics.tenant(tenant), limit).value += 1

    def _window(self, limit: Limit) -> Window:
        return self._calendar.windows(self._now_ns())[limit.measure.period]

    def _account(self, limit: Limit) -> Account:
        return limit.account(self._window(limit))

    async def watch(self, allowances: Callable[[], Allowances]) -> None:
        """Show how much of each budget is used, for as long as the task lives."""
        while True:
            await self.refresh(allowances())
            await asyncio.sleep(REFRESH_SECONDS)

    async def refresh(self, allowances: Allowances) -> None:
        """Show it once: of tenants and workflows; keys are no labels."""
        by_tenant: dict[str, list[Limit]] = {}
        for limit in allowances.all():
            if limit.measure.is_budget and limit.scope != "key":
                by_tenant.setdefault(limit.tenant, []).append(limit)
        shown_now: set[tuple[str, str]] = set()
        gauge = self._metrics.budget_used
        for tenant, limits in by_tenant.items():
            try:
                amounts = await self._state.used([self._account(limit) for limit in limits])
            except Gone:
                break
            for limit, used in zip(limits, amounts, strict=True):
                labels = (self._metrics.tenant(tenant), _budget_name(limit))
                gauge.at(*labels).value = _share(used, limit.ceiling)
                shown_now.add(labels)
            await asyncio.sleep(0)  # there may be many tenants
        for gone in self._shown - shown_now:
            gauge.remove(*gone)
        self._shown = shown_now


def _share(used: int, ceiling: int) -> float:
    return used / ceiling if ceiling else 1.0


def _budget_name(limit: Limit) -> str:
    """As the gauge's label has it: `usd_per_day`, or a workflow's `invoices/usd_per_day`."""
    return limit.measure.name if limit.scope == "tenant" else f"{limit.subject}/{limit.measure.name}"


def _message(limit: Limit, used: int, wanted: int, wait: int) -> str:
    """What the client is told: its own figures only."""
    measure = limit.measure
    whose = {
        "tenant": f"tenant {limit.tenant}",
        "key": f"key {limit.subject} of tenant {limit.tenant}",
        "workflow": f"workflow {limit.subject} of tenant {limit.tenant}",
    }[limit.scope]
    each = {"minute": " per minute", "day": " per day", "month": " per month", "none": " at one time"}
    allowed = f"{shown(measure, limit.ceiling)}{each[measure.period]}"
    if not measure.is_budget and wanted > limit.ceiling:
        return (
            f"The {whose} is limited to {allowed}, and this request alone may come to {shown(measure, wanted)}. "
            "Ask for less, or set a lower max_tokens."
        )
    if measure.is_budget:
        return (
            f"The {whose} may spend {allowed}. {shown(measure, used)} is spent or held by requests under way, "
            f"and this request may come to {shown(measure, wanted)}. What is left is renewed in {wait} s."
        )
    return f"The {whose} is limited to {allowed}. Try again in {wait} s."
