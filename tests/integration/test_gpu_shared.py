"""Two gateways before one engine share its windows in a real Redis, and lose none while it is gone."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.state.claims import Gone
from gateway.state.shared_pools import RedisPools
from tests.integration.budgeted import Beside, Budgeted
from tests.integration.redises import SERVER, RealRedis, patience, running_redis
from tests.integration.sandboxed import HELLO
from tests.integration.waiting import until
from tests.pools import FakePools, KeptPools

pytestmark = pytest.mark.skipif(SERVER is None, reason="redis-server is not installed")

SECOND = 10**9
TENANT = '  acme: {keys: [{id: app, sha256: "KEY"}]}\n  globex: {keys: [{id: app, sha256: "OTHER_KEY"}]}'
BODY = {"model": "llama", "messages": HELLO, "max_tokens": 60, "stream": True}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRedis]:
    with running_redis(tmp_path_factory.mktemp("redis")) as running:
        yield running


amounts = st.integers(-(10**13), 10**13)
gateways = st.sampled_from(["a", "b", "c"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.text(max_size=9), st.integers(0, 10**13)),
        st.tuples(st.just("claim"), gateways, amounts, st.booleans()),
        st.tuples(st.just("note"), gateways, st.tuples(st.integers(0, 10**9), st.integers(0, 10**9))),
        st.tuples(st.just("left"), gateways),
        st.tuples(st.just("meet"), gateways, st.sampled_from(["", "x", "known"])),
        st.tuples(st.just("shut")),
    ),
    max_size=20,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_redis_keeps_pools_as_the_tests_fake_does(server: RealRedis, plan: list[tuple[Any, ...]]) -> None:
    async def play() -> None:
        real, fake, name = RedisPools(server.url), FakePools(KeptPools()), f"test-{time.monotonic_ns()}"
        try:
            for step, *arguments in plan:
                said = []
                for each in (real, fake):
                    if step == "claim":
                        gateway, total, over = arguments
                        said.append(await each.claim(name, gateway, total, overdraw=over))
                    else:
                        said.append(await getattr(each, step)(name, *arguments))
                assert said[0] == said[1] or (step == "meet" and sorted(said[0]) == sorted(said[1]))
        finally:
            await real.close()

    with patience():
        asyncio.run(play())


async def test_a_redis_that_is_not_there_is_gone() -> None:
    pools = RedisPools("redis://127.0.0.1:9/0")
    for _ in range(2):
        with pytest.raises(Gone):
            await pools.open("x", "y", 1)
    await pools.close()


def test_two_gateways_book_each_second_once_with_redis_gone_in_between(
    tmp_path: Path, server: RealRedis
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first = Budgeted(tmp_path / "a", TENANT, f'state: {{redis: "{server.url}"}}')
    second = Beside(tmp_path / "b", first)
    pair = (first, second)

    def ask(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for weir in pair:
                assert weir.post(BODY)[0] == 200
            time.sleep(0.1)

    try:
        ask(4)
        server.stop()
        ask(6)
        server.start()
        ask(6)
        over = time.time_ns() + 3 * SECOND
        until(lambda: any(row["window"] > over for weir in pair for row in weir.rows("gpu_bookings")))
    finally:
        for weir in reversed(pair):
            weir.stop()
    windows: Counter[int] = Counter()
    own = [0, 0]
    for number, weir in enumerate(pair):
        for row in weir_rows(weir):
            windows[row["window"]] += row["gpu_ns"]
            own[number] += row["gpu_ns"] if row["use"] == "request" else 0
    whole = sorted(windows)[2:-3]
    assert len(whole) >= 12
    assert {windows[each] for each in whole} == {SECOND}
    assert min(own) > 0


def weir_rows(weir: Budgeted | Beside) -> list[dict[str, Any]]:
    """The ledger's bookings after it has stopped."""
    with sqlite3.connect(weir.ledger) as database:
        database.row_factory = sqlite3.Row
        found = [dict(row) for row in database.execute("SELECT * FROM gpu_bookings")]
    database.close()
    return found
