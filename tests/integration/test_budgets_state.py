"""Shared state in a real Redis: atomic between gateways, leases that end with their gateway, Redis gone and back."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import redis
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from gateway.state.claims import Account, Claim, Full, Gone, Held, State
from gateway.state.shared import RedisState
from tests.integration.redises import SERVER, RealRedis, patience, running_redis
from tests.unit.gateway.state.machine import LEASE_SECONDS, StateMachine

pytestmark = pytest.mark.skipif(SERVER is None, reason="redis-server is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRedis]:
    with running_redis(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def asked(server: RealRedis) -> Iterator[redis.Redis]:
    """A plain client of an emptied Redis."""
    with redis.Redis(port=server.port, decode_responses=True) as client:
        client.flushall()
        yield client


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def gateways(server: RealRedis, *names: str) -> AsyncIterator[list[RedisState]]:
    """Running gateways' views of the state."""
    states = [RedisState(server.url, name, now_ms, written=lambda: 10**6) for name in names]
    tasks = [asyncio.create_task(state.run()) for state in states]
    try:
        yield states
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for state in states:
            await state.close()


def day() -> Account:
    return Account("acme", "usd/today", now_ms() + 3_600_000)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  # a state tells nobody
            await asyncio.sleep(0.02)


async def back(state: RedisState) -> None:
    await until(lambda: not state.trouble)


class RedisMachine(StateMachine):
    """Two gateways over one Redis, which may die."""

    gateways = 2
    server: RealRedis
    asked: redis.Redis

    def make(self, name: str, now_ms: Callable[[], int]) -> State:
        if name == "g0":
            self.asked.flushall()
        return RedisState(self.server.url, name, now_ms, lease_seconds=LEASE_SECONDS)

    @rule(gateway=st.integers(0, 1))
    def die(self, gateway: int) -> None:
        """Killed: another takes its place, and knows nothing of what it held."""
        self._end(*self.states[gateway])
        for name in [name for name, lease in self.leases.items() if lease.gateway == gateway]:
            lease = self.leases.pop(name)
            if not lease.settled:
                self.dead.append((self.now, lease.held))
        self.states[gateway] = self._new()

    @rule(share=st.floats(0, 1))
    def time_passes(self, share: float) -> None:
        self.now += int(share * LEASE_SECONDS * 1000 / 3)
        for gateway in range(self.gateways):
            self._used(gateway)

    def teardown(self) -> None:
        super().teardown()
        for key in self.asked.keys("weir:*"):
            if self.asked.type(key) == "hash":
                figures = self.asked.hgetall(key)
                assert int(figures.get("held", 0)) >= 0
                assert int(figures.get("settled", 0)) >= 0


def test_nothing_passes_a_ceiling_between_two_gateways_in_any_order(
    server: RealRedis, asked: redis.Redis
) -> None:
    RedisMachine.server, RedisMachine.asked = server, asked
    run_state_machine_as_test(
        RedisMachine, settings=settings(max_examples=25, stateful_step_count=25, deadline=None)
    )


async def test_two_hundred_at_once_over_two_gateways_let_ten_through(
    server: RealRedis, asked: redis.Redis
) -> None:
    account = day()
    async with gateways(server, "a", "b") as states:
        found = await asyncio.gather(
            *(states[i % 2].reserve(f"r{i}", [Claim(account, 10, (1,))]) for i in range(200))
        )
        assert sum(isinstance(each, Held) for each in found) == 10
        assert {each for each in found if isinstance(each, Full)} == {Full(0, 10)}


async def test_what_was_settled_is_seen_by_the_next_reservation(
    server: RealRedis, asked: redis.Redis
) -> None:
    """One at a time, one after the other: the place of the one before is free."""
    slot = Account("acme", "concurrent", 0)
    async with gateways(server, "a") as (state,):
        for i in range(50):
            assert await state.reserve(f"r{i}", [Claim(slot, 1, (1,))]) == Held(0)
            state.settle(f"r{i}", [])


async def test_it_can_be_stopped_at_any_moment(server: RealRedis, asked: redis.Redis) -> None:
    """In the middle of a round trip, too."""
    for i in range(60):
        state = RedisState(server.url, f"g{i}", now_ms)
        task = asyncio.create_task(state.run())
        asking = asyncio.create_task(state.used([day()]))
        for _ in range(i):
            await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(60):
            await asyncio.gather(task, return_exceptions=True)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await state.close()


async def test_large_amounts_stay_exact(server: RealRedis, asked: redis.Redis) -> None:
    account, ceiling = day(), 9_000_000 * 10**9
    async with gateways(server, "a") as (state,):
        assert await state.reserve("r1", [Claim(account, ceiling, (ceiling - 1,))]) == Held(0)
        assert await state.reserve("r2", [Claim(account, ceiling, (2,))]) == Full(0, ceiling - 1)
        assert await state.reserve("r3", [Claim(account, ceiling, (1,))]) == Held(0)
        state.settle("r1", [(account, ceiling - 1)])
        assert await state.used([account]) == [ceiling]


async def test_leases_are_renewed_while_their_request_lives_and_end_with_its_gateway(
    server: RealRedis, asked: redis.Redis
) -> None:
    slot, clock = Account("acme", "concurrent", 0), [now_ms()]
    states = [RedisState(server.url, name, lambda: clock[0], lease_seconds=0.6) for name in "ab"]
    tasks = [asyncio.create_task(state.run()) for state in states]
    try:
        assert await states[0].reserve("long", [Claim(slot, 1, (1,))]) == Held(0)
        for _ in range(5):
            clock[0] += 300
            await until(lambda: states[0]._renewed == clock[0])
            await states[0].used([slot])  # it is told of that by then
        assert await states[1].reserve("other", [Claim(slot, 1, (1,))]) == Full(0, 1)
        tasks[0].cancel()  # the gateway is gone, and says nothing any more
        clock[0] += 700
        assert await states[1].reserve("another", [Claim(slot, 1, (1,))]) == Held(0)
        assert int(asked.hget("weir:{acme}:concurrent", "held") or 0) == 1
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for state in states:
            await state.close()


async def test_redis_goes_and_comes_back_and_nothing_is_lost_or_counted_twice(
    server: RealRedis, asked: redis.Redis
) -> None:
    account = day()
    async with gateways(server, "a") as (state,):
        assert await state.reserve("before", [Claim(account, 100, (10,))]) == Held(0)
        server.stop()
        try:
            with pytest.raises(Gone):
                await state.reserve("during", [Claim(account, 100, (10,))])
            assert state.trouble
            for name, spent in (("before", 7), ("during", 5)):
                state.settle(name, [(account, spent)])
                state.settle(name, [(account, spent)])
            await asyncio.sleep(0.6)
        finally:
            server.start()
        await back(state)
        assert await state.used([account]) == [12]


async def test_a_settlement_that_was_done_and_never_answered_is_not_done_again(
    server: RealRedis, asked: redis.Redis
) -> None:
    account = day()
    with patience(seconds=1.0):  # which it is to lose
        async with gateways(server, "a") as (state,):
            for i in range(3):
                await state.reserve(f"r{i}", [Claim(account, 100, (10,))])
            server.freeze()  # commands reach it, and are carried out once it goes on; their answers nobody hears
            for i in range(3):
                state.settle(f"r{i}", [(account, 4)])
            await until(lambda: bool(state.trouble))
            server.thaw()
            await back(state)
            assert await state.used([account]) == [12]
            assert int(asked.hget("weir:{acme}:usd/today", "held") or 0) == 0


async def kill(state: RedisState, task: asyncio.Task[None]) -> None:
    """It says nothing any more."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await state._redis.aclose()


async def test_what_a_killed_process_may_not_have_told_is_told_again_and_counts_once(
    server: RealRedis, asked: redis.Redis
) -> None:
    """Of 30 requests Redis knows 10, did 10 more without anybody hearing of it, and was not told of the last 10."""
    account, slot = day(), Account("acme", "concurrent", 0)
    async with gateways(server, "b") as (other,):
        await other.reserve("other", [Claim(account, 1000, (100,))])
        state = RedisState(server.url, "a", now_ms, written=lambda: 30)
        task = asyncio.create_task(state.run())
        for line in range(1, 31):
            await state.reserve(f"r{line}", [Claim(account, 1000, (7,)), Claim(slot, 100, (1,))])
        for line in range(1, 11):
            state.settle(f"r{line}", [(account, 2)], line)
        assert await state.used([account, slot]) == [100 + 10 * 2 + 20 * 7, 20]
        assert state.settled == 30
        server.freeze()
        for line in range(11, 21):
            state.settle(f"r{line}", [(account, 2)], line)
        assert state.settled == 10
        await asyncio.sleep(0.1)
        await kill(state, task)
        server.thaw()
    async with gateways(server, "a") as (state,):
        for line in range(5, 31):
            await state.settle_again(f"r{line}", [(account, 2), (slot, 0)], line)
        assert await state.used([account, slot]) == [100 + 30 * 2, 0]
        await state.settle_again("r30", [(account, 2), (slot, 0)], 30)
        assert await state.used([account, slot]) == [100 + 30 * 2, 0]


async def test_nothing_is_told_that_a_kill_could_still_undo(server: RealRedis, asked: redis.Redis) -> None:
    written = [1]
    account = day()
    state = RedisState(server.url, "a", now_ms, written=lambda: written[0])
    task = asyncio.create_task(state.run())
    for line in (1, 2):
        await state.reserve(f"r{line}", [Claim(account, 100, (10,))])
        state.settle(f"r{line}", [(account, 1)], line)
    assert await state.used([account]) == [1 + 10]
    assert state.settled == 1
    written[0] = 2
    assert await state.used([account]) == [2]
    assert state.settled == 2
    await kill(state, task)


async def test_a_connection_that_was_closed_meanwhile_is_no_reason_to_refuse(
    server: RealRedis, asked: redis.Redis
) -> None:
    account = day()
    async with gateways(server, "a") as (state,):
        await state.used([account])
        server.stop()
        server.start()
        assert await state.reserve("r", [Claim(account, 10, (6,))]) == Held(0)
        assert not state.trouble
        asked.client_kill_filter(skipme=True)
        state.settle("r", [(account, 5)])
        assert await state.used([account]) == [5]


async def test_a_reservation_that_is_repeated_holds_once(server: RealRedis, asked: redis.Redis) -> None:
    account = day()
    async with gateways(server, "a") as (state,):
        for _ in range(3):
            assert await state.reserve("r", [Claim(account, 10, (6,))]) == Held(0)
        assert await state.used([account]) == [6]


async def test_what_waits_is_folded_while_redis_is_gone_for_long(
    server: RealRedis, asked: redis.Redis
) -> None:
    account = day()
    async with gateways(server, "a") as (state,):
        await state.used([account])
        server.stop()
        try:
            for i in range(2500):
                with pytest.raises(Gone):
                    await state.reserve(f"r{i}", [Claim(account, 10**6, (10,))])
                state.settle(f"r{i}", [(account, 2)])
            assert len(state._waiting) + len(state._sent) < 1300
        finally:
            server.start()
        await back(state)
        assert await state.used([account]) == [5000]


async def test_keys_go_when_their_window_has_passed(server: RealRedis, asked: redis.Redis) -> None:
    account = Account("acme", "requests/minute", now_ms() + 5000)
    async with gateways(server, "a") as (state,):
        await state.reserve("r", [Claim(account, 10, (1,))])
        state.settle("r", [(account, 1)])
        await state.used([account])
    assert 0 < asked.ttl("weir:{acme}:requests/minute") <= 70
    for key in asked.keys("weir:*"):
        assert asked.ttl(key) > 0


async def test_a_state_that_does_not_answer_as_redis_does_is_gone(tmp_path) -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    other = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    state = RedisState(f"redis://:hush@127.0.0.1:{port}/0", "a", now_ms)
    task = asyncio.create_task(state.run())
    try:
        async with asyncio.timeout(60):
            with pytest.raises(Gone) as gone:
                await state.reserve("r", [Claim(day(), 10, (1,))])
        assert "hush" not in str(gone.value) + state.trouble
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await state.close()
        other.close()
        await other.wait_closed()
