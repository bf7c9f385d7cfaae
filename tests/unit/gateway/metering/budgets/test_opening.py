"""What the ledger says was spent before: by tenant, key and workflow, in the window at hand."""

from decimal import Decimal
from pathlib import Path

from adapters.chat import TokenUsage
from gateway.configuration.settings import BudgetSettings, Ceilings, KeySettings, TenantSettings
from gateway.ledger.ledger import Ledger
from gateway.ledger.records import AttemptRecord, RequestRecord, attempt_id
from gateway.ledger.stores import open_store
from gateway.metering.budgets.limits import Allowances
from gateway.metering.budgets.opening import spent_before

NOON = 1_795_262_400 * 10**9  # 2026-11-21T12:00:00Z
DAY = 86_400 * 10**9


def test_windows_owners_and_unknown_prices(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "ledger.sqlite", tmp_path / "journal")
    told = [
        ("r1", NOON, "acme", "app", "w", Decimal("1.5"), 2_000_000),
        ("r2", NOON - DAY, "acme", "app", "w", Decimal("10"), None),  # yesterday
        ("r3", NOON, "acme", "other", "", None, None),  # nobody knows its price
        ("r4", NOON, "globex", "app", "w", Decimal("100"), None),
        ("r5", NOON - 30 * DAY, "acme", "app", "w", Decimal("1000"), None),  # last month
    ]
    for name, at, tenant, key, workflow, usd, gpu_ns in told:
        usage = TokenUsage(input=1, source="reported")
        ledger.append(
            AttemptRecord(
                id=attempt_id(name, 1), request=name, n=1, at=at, tenant=tenant, workflow=workflow, usage=usage,
                usd=usd, gpu_ns=gpu_ns,
            ),
            RequestRecord(
                id=name, at=at, tenant=tenant, key=key, workflow=workflow, attempts=1, usage=usage, usd=usd,
                gpu_ns=gpu_ns,
            ),
        )  # fmt: skip
    assert ledger.close()
    every = Ceilings(BudgetSettings(Decimal(1), Decimal(1), Decimal(1)))
    tenant = TenantSettings(
        "acme", (KeySettings("app", "00", ceilings=every),), {"w": every, "idle": every}, every.budget
    )
    store = open_store(tmp_path / "ledger.sqlite")
    try:
        found = spent_before(store, Allowances([tenant]).all(), Decimal("0.25"), NOON)
    finally:
        store.close()
    usd = 10**9
    assert {account.name: amount for account, amount in found.items()} == {
        "tenant//usd_per_day/2026-11-21": int(1.75 * usd),
        "tenant//usd_per_month/2026-11": int(11.75 * usd),
        "tenant//gpu_seconds_per_day/2026-11-21": 2_000,
        "key/app/usd_per_day/2026-11-21": int(1.5 * usd),
        "key/app/usd_per_month/2026-11": int(11.5 * usd),
        "key/app/gpu_seconds_per_day/2026-11-21": 2_000,
        "workflow/w/usd_per_day/2026-11-21": int(1.5 * usd),
        "workflow/w/usd_per_month/2026-11": int(11.5 * usd),
        "workflow/w/gpu_seconds_per_day/2026-11-21": 2_000,
    }
    assert {account.owner for account in found} == {"acme"}
