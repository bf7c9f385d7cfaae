"""Two whole Weirs with one Redis, killed without warning while providers work in the background: every response whose
beginning a client saw is booked once, with what it used, and budgets count exactly that."""

import asyncio
import json
import random
from collections import Counter
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from gateway.access import keys
from gateway.cli.root import weir
from gateway.ledger.records import RequestRecord
from gateway.ledger.stores import open_store
from gateway.sandbox.sandbox import Sandbox
from tests.integration.loads import under_load, until
from tests.integration.redises import SERVER, RealRedis
from tests.integration.sandboxed import PROVIDER_KEY
from tests.integration.test_budgets_kill import ALWAYS, Gateway, counted, same, server, trouble

pytestmark = pytest.mark.skipif(SERVER is None, reason="redis-server is not installed")

ROUNDS = 4
__all__ = ["server"]  # a fixture


async def client(gateways: list[Gateway], key: str, begun: set[str], draw: random.Random) -> None:
    """Begin responses at either, streamed or not, and look at some through either; note what was seen to begin."""
    async with httpx.AsyncClient(timeout=60, headers={"authorization": f"Bearer {key}"}) as http:
        while True:
            body = {"model": "gpt", "input": "Say hello.", "background": True, "stream": draw.random() < 0.5}
            try:
                async with http.stream(
                    "POST", f"{draw.choice(gateways).url}/v1/responses", json=body
                ) as answer:
                    assert answer.status_code == 200, await answer.aread()
                    async for line in answer.aiter_lines():
                        if not body["stream"] or line.startswith("data:"):
                            begun.add(answer.headers["x-weir-request-id"])
                            told = json.loads(line.removeprefix("data:"))
                        if body["stream"] and draw.random() < 0.02:
                            break  # it leaves
                if not body["stream"] and draw.random() < 0.5:
                    await http.get(f"{draw.choice(gateways).url}/v1/responses/{told['id']}")
            except httpx.HTTPError:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.02)


def booked(gateways: list[Gateway]) -> list[RequestRecord]:
    """The responses requests in both ledgers."""
    found: list[RequestRecord] = []
    for gateway in gateways:
        with closing(open_store(gateway.store)) as store:
            rows = store.records("request", *ALWAYS)
            found += [
                each for each in rows if isinstance(each, RequestRecord) and each.dialect == "responses"
            ]
    return found


@pytest.mark.timeout(240)
async def test_what_began_is_booked_once_whatever_is_killed(
    tmp_path: Path, server: RealRedis
) -> None:  # the fixture
    key, draw, begun = keys.create(), random.Random(5), set[str]()  # noqa: S311  # of a load
    async with Sandbox(tokens_per_second=3000) as sandbox:
        sandbox.openai.kept.seconds = 0.7
        more = {**sandbox.environ(), "PROVIDER_KEY": PROVIDER_KEY}
        gateways = [Gateway(tmp_path / name, key, server.url, more) for name in "ab"]
        try:
            for gateway in gateways:
                await asyncio.to_thread(gateway.begin)
            draws = [random.Random(number) for number in range(6)]  # noqa: S311  # of a load
            async with under_load(client(gateways, key, begun, draw) for draw in draws):
                for number in range(ROUNDS):
                    await trouble(gateways, server, draw, redis_goes=number % 2 == 1)
                await until(lambda: len(begun) > 100)  # the load is one that could show a loss
            for gateway in gateways:
                await asyncio.to_thread(gateway.kill)
                await asyncio.to_thread(gateway.begin)
            await until(lambda: begun <= {each.id for each in booked(gateways)})
            spent = await asyncio.to_thread(same, gateways, server)
            for gateway in gateways:
                assert await asyncio.to_thread(gateway.stop) == 0
        finally:
            for gateway in gateways:
                await asyncio.to_thread(gateway.close)
    rows = booked(gateways)
    print(f"{len(begun)} began, {len(rows)} are booked, {spent / 1e9} USD")
    assert Counter(each.id for each in rows).most_common(1)[0][1] == 1, "a request is there twice"
    assert {each.usage.source for each in rows if each.id in begun} == {"reported"}
    assert all(each.usd for each in rows if each.id in begun)
    assert counted(server, "tenant//usd_per_day") == counted(server, "key/app/usd_per_month") == spent
    for gateway in gateways:
        verified = CliRunner().invoke(weir, ["ledger", "verify", "--store", str(gateway.store)])
        assert verified.exit_code == 0, verified.output
