"""What a journal says was spent, told in its order: whose it was, how much, at which line."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from adapters.chat import TokenUsage
from gateway.configuration.settings import (
    BudgetSettings,
    Ceilings,
    KeySettings,
    LimitSettings,
    ReserveSettings,
    TenantSettings,
)
from gateway.ledger.journal import Journal
from gateway.ledger.reading import Reader
from gateway.ledger.records import AttemptRecord, RequestRecord, attempt_id
from gateway.metering.budgets.limits import Allowances
from gateway.metering.budgets.replay import Replay

NOON = 1_795_262_400 * 10**9  # 2026-11-21T12:00:00Z
DAY = 86_400 * 10**9
USD = 10**9


def attempt(request: str, n: int, usd: str | None, gpu_ns: int | None = None) -> AttemptRecord:
    return AttemptRecord(
        id=attempt_id(request, n), request=request, n=n, at=NOON, tenant="acme",
        usage=TokenUsage(input=5, cache_read=2, reasoning=3, source="reported"),
        usd=None if usd is None else Decimal(usd), priced_at=date(2026, 11, 1), gpu_ns=gpu_ns,
    )  # fmt: skip


def request(name: str, tenant: str = "acme", at: int = NOON, **more: str) -> RequestRecord:
    return RequestRecord(id=name, at=at, tenant=tenant, **more)  # type: ignore[arg-type]  # words


def told(
    folder: Path, *groups: tuple[AttemptRecord | RequestRecord, ...]
) -> list[tuple[str, dict[str, int], int]]:
    journal = Journal(folder)
    for group in groups:
        journal.append(*group)
    budget = BudgetSettings(usd_per_day=Decimal(9), gpu_seconds_per_day=Decimal(9))
    ceilings = Ceilings(BudgetSettings(usd_per_month=Decimal(9)))
    tenant = TenantSettings(
        "acme",
        (KeySettings("app", "00", ceilings=ceilings),),
        {"w": ceilings},
        budget,
        LimitSettings(tokens_per_minute=9, concurrent=9),
    )
    replay = Replay(Allowances([tenant], ReserveSettings(unpriced_usd=Decimal("0.5"))), NOON // 10**6)
    journal.flush()
    found = []
    for line in Reader(folder).read(journal.last, 100):
        if settled := replay.take(line):
            assert {account.owner for account, _ in settled[1]} == {"acme"}
            spent = {account.name: amount for account, amount in settled[1]}
            found.append((settled[0], spent, line.number))
    journal.close()
    return found


DAYS = {"tenant//usd_per_day/2026-11-21", "tenant//gpu_seconds_per_day/2026-11-21"}


def test_a_requests_attempts_are_added_and_told_at_its_own_line(tmp_path: Path) -> None:
    (found,) = told(
        tmp_path,
        (attempt("r1", 1, "0.25"), attempt("r1", 2, None, 1_500), request("r1", key="app", workflow="w")),
    )
    assert found == (
        "r1",
        {
            "tenant//usd_per_day/2026-11-21": 750_000_000,  # the second one's price is unknown: 0.5
            "tenant//gpu_seconds_per_day/2026-11-21": 2,
            "tenant//tokens_per_minute/2026-11-21T12:00": 20,
            "tenant//concurrent/": 0,
            "key/app/usd_per_month/2026-11": 750_000_000,
            "workflow/w/usd_per_month/2026-11": 750_000_000,
        },
        3,
    )


def test_what_used_nothing_is_another_tenants_or_long_past_is_left_out(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        (attempt("r1", 1, "1"), request("r1", tenant="globex")),
        (request("r2"),),  # refused
        (attempt("r3", 1, "1"), request("r3", at=NOON - DAY)),
        (attempt("r4", 1, "1"), request("r4")),
    )
    assert [(lease, line) for lease, _, line in found] == [("r3", 5), ("r4", 7)]
    assert found[0][1] == {"tenant//concurrent/": 0}, (
        "it lets go of its place, and yesterday's budget is past"
    )
    assert found[1][1].keys() >= DAYS
