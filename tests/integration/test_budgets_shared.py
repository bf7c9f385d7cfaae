"""Two gateways that count together in a real Redis, and what becomes of requests while it is gone."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.budgeted import ASK, UPPER_USD, Beside, Budgeted, flood, statuses
from tests.integration.redises import SERVER, RealRedis, running_redis
from tests.integration.waiting import until

pytestmark = pytest.mark.skipif(SERVER is None, reason="redis-server is not installed")

TENANT = '  acme: {{keys: [{{id: app, sha256: "KEY"}}], {terms}}}'
Make = Callable[..., tuple[Budgeted, Beside]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RealRedis]:
    (tmp_path / "redis").mkdir()
    with running_redis(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def started(tmp_path: Path, server: RealRedis) -> Iterator[Make]:
    """Start two gateways whose tenant acme has the terms given."""
    running: list[Budgeted | Beside] = []

    def start(terms: str, when_gone: str = "{}") -> tuple[Budgeted, Beside]:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
        state = f'state: {{redis: "{server.url}", when_gone: {when_gone}}}'
        first = Budgeted(tmp_path / "a", TENANT.format(terms=terms), state)
        running.append(first)
        second = Beside(tmp_path / "b", first)
        running.append(second)
        return first, second

    yield start
    for weir in reversed(running):
        weir.stop()


def used(weir: Budgeted | Beside) -> list[int]:
    """What each limit's account has used. A gateway's own settlements are in it; another's may be on their way."""

    async def read() -> list[int]:
        budgets = weir.service.budgets
        limits = weir.service.runtime.reserving.allowances.all()
        return await budgets._state.used([budgets._account(limit) for limit in limits])

    found: list[int] = weir.run(read())
    return found


def until_both_know(first: Budgeted, second: Beside) -> None:
    """Wait until each has told Redis what its requests spent: that is what the ledgers say."""
    spent = [pytest.approx(used_by_ledgers(first, second) * 1e9, abs=20)]
    until(lambda: used(first) == spent and used(second) == spent)


def wait_for_redis(*weirs: Budgeted | Beside, up: bool) -> None:
    until(lambda: all(bool(weir.service._state.trouble) is not up for weir in weirs))


def test_two_hundred_at_once_over_two_gateways_let_ten_through(started: Make) -> None:
    first, second = started(f"budget: {{usd_per_day: {10.5 * UPPER_USD:.4f}}}")
    answers = flood(first, second, count=200, let=10)
    assert statuses(answers) == {200: 10, 429: 190}
    assert len(first.sandbox.openai.received) == 10
    until_both_know(first, second)


def test_one_after_the_other_never_meets_its_own_past(started: Make) -> None:
    first, _ = started("limits: {concurrent: 1}")
    assert {first.ask()[0] for _ in range(20)} == {200}


def test_without_redis_money_is_refused_and_rates_are_not(started: Make, server: RealRedis) -> None:
    first, second = started("budget: {usd_per_day: 1}")
    assert first.ask()[0] == second.post(ASK)[0] == 200
    server.stop()
    status, headers, answer = first.ask()
    assert (status, answer["error"]["code"]) == (503, "limits_unavailable")
    assert int(headers["retry-after"]) >= 1
    assert first.rows("requests")[-1]["error"] == "state_gone"
    before = used_by_ledgers(first, second)
    server.start()
    wait_for_redis(first, second, up=True)
    assert first.ask(**ASK)[0] == 200
    assert used_by_ledgers(first, second) > before
    until_both_know(first, second)


def test_rates_are_open_while_redis_is_gone(started: Make, server: RealRedis) -> None:
    first, _ = started("limits: {concurrent: 4, requests_per_minute: 1000}")
    server.stop()
    assert {first.ask()[0] for _ in range(5)} == {200}
    assert first.service._state.trouble


def test_what_was_allowed_while_redis_was_gone_is_counted_once_it_is_back(
    started: Make, server: RealRedis
) -> None:
    first, second = started("budget: {usd_per_day: 1}", "{money: allow}")
    assert first.ask(**ASK)[0] == 200
    server.stop()
    for _ in range(3):
        assert first.ask(**ASK)[0] == second.post(ASK)[0] == 200
    server.start()
    wait_for_redis(first, second, up=True)
    assert second.post(ASK)[0] == 200
    until_both_know(first, second)


def used_by_ledgers(*weirs: Budgeted | Beside) -> float:
    return sum(float(row["usd"]) for weir in weirs for row in weir.rows("attempts"))
