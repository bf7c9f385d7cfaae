"""What budgets tell tenants, rules and metrics, with a state that can be made to go away."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest

from gateway.configuration.settings import (
    BudgetSettings,
    Ceilings,
    KeySettings,
    LimitSettings,
    StateSettings,
    TenantSettings,
)
from gateway.metering.budgets.budgets import Budgets, CannotCount, OverBudget, OverRate, Spent
from gateway.metering.budgets.estimates import Upper, Way
from gateway.metering.budgets.limits import Allowances
from gateway.metering.prometheus import Metrics
from gateway.state.claims import Account, Claim, Full, Gone, Held
from gateway.state.local import LocalState

NOON = 1_795_262_400 * 10**9  # 2026-11-21T12:00:00Z
USD = 10**9


class Fragile(LocalState):
    """A state that is gone while `gone`."""

    gone = False
    settled = 0

    async def reserve(self, lease: str, claims: Sequence[Claim]) -> Held | Full:
        if self.gone:
            raise Gone("it is away")
        return await super().reserve(lease, claims)

    async def used(self, accounts: Sequence[Account]) -> list[int]:
        if self.gone:
            raise Gone("it is away")
        return await super().used(accounts)

    def settle(self, lease: str, spent: Sequence[tuple[Account, int]], line: int = 0) -> None:
        self.settled += 1
        super().settle(lease, spent, line)


class World:
    """Budgets of one tenant, with a clock."""

    def __init__(self, tenant: TenantSettings) -> None:
        self.now = NOON
        self.state = Fragile(lambda: self.now // 10**6)
        self.metrics = Metrics(version="0", tenants=[tenant.name])
        self.budgets = Budgets(self.state, self.metrics, lambda: self.now)
        self.allowances = Allowances([tenant])
        self.count = 0

    def allowance(self, key: str = "", workflow: str = ""):
        found = self.allowances.of("acme", key, workflow)
        assert found is not None
        return found

    async def reserve(self, usd: int, *, gpu: int = 0, tokens: int = 0, key: str = "", **stance: str):
        self.count += 1
        ways = [Way((0,), Upper(usd, gpu))]
        return await self.budgets.reserve(
            f"r{self.count}",
            self.allowance(key),
            ways,
            tokens,
            {"m": ways[0].upper},
            StateSettings(**stance),  # type: ignore[arg-type]  # words of the stance
        )


def acme(
    budget: dict[str, int] | None = None, limits: dict[str, int] | None = None, **more
) -> TenantSettings:
    money = {name: Decimal(amount) for name, amount in (budget or {}).items()}
    return TenantSettings(
        "acme", budget=BudgetSettings(**money), limits=LimitSettings(**(limits or {})), **more
    )


def test_a_tenant_without_limits_has_no_allowance():
    allowances = Allowances([TenantSettings("acme"), acme({"usd_per_day": 1}, keys=())])
    assert Allowances([TenantSettings("acme")]).of("acme", "app", "w") is None
    assert Allowances().of("acme", "app", "w") is None
    assert allowances.of("other", "", "") is None


def test_a_key_and_a_workflow_add_theirs():
    one = Ceilings(BudgetSettings(usd_per_day=Decimal(1)))
    tenant = acme(
        limits={"concurrent": 5},
        keys=(KeySettings("app", "00", ceilings=one), KeySettings("other", "01")),
        workflows={"w": one, "free": Ceilings()},
    )
    allowances = Allowances([tenant])
    names = {
        (key, workflow): [limit.name for limit in found.limits]
        for key, workflow in (("app", "w"), ("other", "free"), ("app", ""))
        if (found := allowances.of("acme", key, workflow))
    }
    assert names == {
        ("app", "w"): ["concurrent", "key.usd_per_day", "workflow.usd_per_day"],
        ("other", "free"): ["concurrent"],
        ("app", ""): ["concurrent", "key.usd_per_day"],
    }
    accounts = {limit.subject for limit in allowances.all()}
    assert accounts == {"", "app", "w"}


async def test_a_day_is_renewed_and_a_month_is_not():
    world = World(acme({"usd_per_day": 2, "usd_per_month": 3}))
    for _ in range(2):
        (await world.reserve(USD)).settle(Spent(USD, 0, 0))
    with pytest.raises(OverBudget) as over:
        await world.reserve(USD)
    assert over.value.retry_after == 12 * 3600
    assert over.value.limit.name == "usd_per_day"
    assert "2 USD per day" in str(over.value)
    world.now += 12 * 3600 * 10**9
    (await world.reserve(USD)).settle(Spent(USD, 0, 0))
    with pytest.raises(OverBudget) as over:
        await world.reserve(USD)
    assert over.value.limit.name == "usd_per_month"


async def test_a_request_is_counted_where_it_began():
    world = World(acme({"usd_per_day": 2}))
    hold = await world.reserve(USD)
    world.now += 13 * 3600 * 10**9
    hold.settle(Spent(2 * USD, 0, 0))
    assert await world.budgets.used(world.allowance()) == 0.0
    world.now -= 13 * 3600 * 10**9
    assert await world.budgets.used(world.allowance()) == 1.0


async def test_a_settlement_may_pass_the_estimate_and_then_the_budget_is_over():
    world = World(acme({"usd_per_day": 2}))
    (await world.reserve(USD)).settle(Spent(3 * USD, 0, 0))
    assert await world.budgets.used(world.allowance()) == 1.5
    with pytest.raises(OverBudget):
        await world.reserve(1)


async def test_settling_twice_counts_once():
    world = World(acme({"usd_per_day": 2}))
    hold = await world.reserve(USD)
    hold.settle(Spent(USD, 0, 0))
    hold.settle(Spent(USD, 0, 0))
    assert await world.budgets.used(world.allowance()) == 0.5


async def test_rates_come_back_with_the_minute():
    world = World(acme(limits={"requests_per_minute": 1, "tokens_per_minute": 100}))
    (await world.reserve(0, tokens=90)).settle(Spent(0, 0, 10))
    world.now += 45 * 10**9
    with pytest.raises(OverRate) as over:
        await world.reserve(0, tokens=1)
    assert over.value.retry_after == 15
    world.now += 15 * 10**9
    await world.reserve(0, tokens=100)


async def test_the_tightest_budget_counts_for_rules():
    world = World(acme({"usd_per_day": 4, "gpu_seconds_per_day": 10}, {"concurrent": 1}))
    await world.reserve(USD, gpu=9 * 10**6)
    assert await world.budgets.used(world.allowance()) == 0.9
    world.state.gone = True
    assert await world.budgets.used(world.allowance()) == 1.0, "what cannot be told counts as used up"
    rates = World(acme(limits={"concurrent": 1}))
    rates.state.gone = True
    assert await rates.budgets.used(rates.allowance()) == 0.0


@pytest.mark.parametrize(
    ("terms", "stance", "refused"),
    [
        ({"budget": {"usd_per_day": 1}}, {}, True),
        ({"budget": {"gpu_seconds_per_day": 1}}, {}, True),
        ({"budget": {"usd_per_day": 1}}, {"money": "allow"}, False),
        ({"limits": {"concurrent": 1}}, {}, False),
        ({"limits": {"concurrent": 1}}, {"rates": "refuse"}, True),
        ({"budget": {"usd_per_day": 1}, "limits": {"concurrent": 1}}, {}, True),
    ],
)
async def test_the_stance_while_the_state_is_gone(terms, stance, refused):
    world = World(acme(**terms))
    world.state.gone = True
    if not refused:
        assert (await world.reserve(5, **stance)).targets == (0,)
        return
    with pytest.raises(CannotCount):
        await world.reserve(5, **stance)
    assert world.state.settled == 1, "what may be held after all is let go of"


async def test_a_request_that_is_cancelled_while_it_reserves_lets_go():
    world = World(acme({"usd_per_day": 1}))

    async def never(lease: str, claims: Sequence[Claim]) -> Held | Full:
        await asyncio.Event().wait()
        raise AssertionError

    world.state.reserve = never  # type: ignore[method-assign]  # a state that takes its time
    task = asyncio.create_task(world.reserve(1))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.state.settled == 1


async def test_metrics_show_tenants_and_workflows_and_never_keys():
    one = Ceilings(BudgetSettings(usd_per_day=Decimal(1)))
    tenant = acme({"usd_per_day": 4}, keys=(KeySettings("app", "00", ceilings=one),), workflows={"w": one})
    world = World(tenant)
    await world.reserve(USD, key="app")
    with pytest.raises(OverBudget):
        await world.reserve(USD, key="app")
    await world.budgets.refresh(world.allowances)
    page = world.metrics.render().decode()
    assert 'weir_budget_used_ratio{tenant="acme",budget="usd_per_day"} 0.25' in page
    assert 'weir_budget_used_ratio{tenant="acme",budget="w/usd_per_day"} 0.0' in page
    assert 'weir_limit_refusals_total{tenant="acme",limit="key.usd_per_day"} 1' in page
    assert "app" not in page
    await world.budgets.refresh(Allowances())
    assert "weir_budget_used_ratio{" not in world.metrics.render().decode()


@pytest.mark.parametrize(
    ("limits", "wanted", "words"),
    [
        ({"requests_per_minute": 0}, {}, "alone may come to 1 request"),
        ({"tokens_per_minute": 10}, {"tokens": 11}, "alone may come to 11 tokens"),
        ({"concurrent": 0}, {}, "0 requests at one time"),
    ],
)
async def test_what_could_never_fit_is_said(limits, wanted, words):
    world = World(acme(limits=limits))
    with pytest.raises(OverRate) as over:
        await world.reserve(0, **wanted)
    assert words in str(over.value)
