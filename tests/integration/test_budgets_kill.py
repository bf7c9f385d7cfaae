"""Two whole Weirs that count in one real Redis, killed without warning under load, with Redis gone for a while: what
Redis says was spent of the budget is what the ledgers say, to the nano-dollar."""

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import httpx
import pytest
import redis

from gateway.access import keys
from gateway.ledger.records import AttemptRecord
from gateway.ledger.stores import open_store
from gateway.metering.budgets.limits import nano_dollars
from gateway.sandbox.sandbox import Sandbox
from tests.integration.loads import under_load, until
from tests.integration.redises import SERVER, RealRedis, running_redis
from tests.integration.sandboxed import HELLO, POLICY, PROVIDER_KEY
from tests.integration.served import Served

pytestmark = pytest.mark.skipif(SERVER is None, reason="redis-server is not installed")

ALWAYS: Final = (0, 4 * 10**18)
ROUNDS: Final = 4
ENOUGH: Final = 100  # attempts of each: a load that could show a loss


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RealRedis]:
    (tmp_path / "redis").mkdir()
    with running_redis(tmp_path / "redis") as running:
        yield running


class Gateway(Served):
    """One of the two, with a ledger of its own."""

    def __init__(self, folder: Path, key: str, redis_url: str, more: dict[str, str]) -> None:
        folder.mkdir()
        self.store = folder / "ledger.sqlite"
        config = folder / "weir.yaml"
        config.write_text(
            POLICY
            + f"""
server: {{ledger: "{self.store}", port: 0, metrics: {{port: 0}}}}
state: {{redis: "{redis_url}", when_gone: {{money: allow}}}}
tenants:
  acme:
    keys: [{{id: app, sha256: "{keys.digest(key)}", budget: {{usd_per_month: 900}}}}]
    budget: {{usd_per_day: 1000}}
"""
        )
        super().__init__(folder, config, more)

    def spent(self) -> tuple[int, int]:
        """Attempts in the ledger, and their nano-dollars."""
        with closing(open_store(self.store)) as store:
            found = [each for each in store.records("attempt", *ALWAYS) if isinstance(each, AttemptRecord)]
        return len(found), sum(nano_dollars(each.usd) for each in found if each.usd is not None)


async def client(gateways: list[Gateway], key: str, draw: random.Random) -> None:
    """Ask either of them, without end."""
    async with httpx.AsyncClient(timeout=60, headers={"authorization": f"Bearer {key}"}) as http:
        while True:
            body = {
                "model": "gpt",
                "messages": HELLO,
                "max_tokens": draw.choice((5, 40)),
                "stream": draw.random() < 0.5,
            }
            try:
                answer = await http.post(f"{draw.choice(gateways).url}/v1/chat/completions", json=body)
                assert answer.status_code == 200, answer.text
            except httpx.HTTPError:
                await asyncio.sleep(0.01)


def counted(server: RealRedis, budget: str) -> int:
    """What Redis says was spent of a budget, today and, past midnight, yesterday."""
    with redis.Redis(port=server.port, decode_responses=True) as asked:
        accounts = [name for name in asked.keys(f"weir:{{acme}}:{budget}/*") if not name.endswith(":leases")]
        return sum(int(asked.hget(name, "settled") or 0) for name in accounts)


@pytest.mark.timeout(240)
async def test_a_budget_knows_what_the_ledgers_know_whatever_is_killed(
    tmp_path: Path, server: RealRedis
) -> None:
    key, draw = keys.create(), random.Random(7)  # noqa: S311  # of a load
    async with Sandbox(tokens_per_second=3000) as sandbox:
        more = {**sandbox.environ(), "PROVIDER_KEY": PROVIDER_KEY}
        gateways = [Gateway(tmp_path / name, key, server.url, more) for name in "ab"]
        try:
            for gateway in gateways:
                await asyncio.to_thread(gateway.begin)
            draws = [random.Random(number) for number in range(8)]  # noqa: S311  # of a load
            async with under_load(client(gateways, key, draw) for draw in draws):
                for number in range(ROUNDS):
                    await trouble(gateways, server, draw, redis_goes=number % 2 == 1)
                await until(lambda: min(gateway.spent()[0] for gateway in gateways) > ENOUGH)
            for gateway in gateways:  # once more, with nothing under way: the next one finds all of it told
                await asyncio.to_thread(gateway.kill)
                await asyncio.to_thread(gateway.begin)
            spent = await asyncio.to_thread(same, gateways, server)
            assert spent > 0
            for gateway in gateways:
                assert await asyncio.to_thread(gateway.stop) == 0
        finally:
            for gateway in gateways:
                await asyncio.to_thread(gateway.close)
    assert counted(server, "tenant//usd_per_day") == counted(server, "key/app/usd_per_month") == spent


async def trouble(
    gateways: list[Gateway], server: RealRedis, draw: random.Random, *, redis_goes: bool
) -> None:
    """Each gateway is killed twice, at some moment; every other time while Redis is away."""
    if redis_goes:
        await asyncio.sleep(0.3)
        await asyncio.to_thread(server.stop)
    for gateway in (*gateways, *gateways):
        await asyncio.sleep(draw.uniform(0.1, 0.5))
        await asyncio.to_thread(gateway.kill)
        await asyncio.to_thread(gateway.begin)
    if redis_goes:
        await asyncio.to_thread(server.start)


def same(gateways: list[Gateway], server: RealRedis) -> int:
    """What both say, once they say the same."""
    deadline = time.monotonic() + 60
    while True:
        spent = sum(gateway.spent()[1] for gateway in gateways)
        found = counted(server, "tenant//usd_per_day")
        if spent == found:
            return spent
        assert time.monotonic() < deadline, f"Redis counts {found}, the ledgers {spent}"
        time.sleep(0.2)
