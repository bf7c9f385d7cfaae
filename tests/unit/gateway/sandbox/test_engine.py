"""The simulated engine on a fake clock: its counters, queue, cache and busy time hang together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.sandbox.engine import BLOCK, Engine, Job, PrefixCache, Speed

SPEED = Speed(step=0.01, prompt_token=0.001, context_token=0.0)


class Tally:
    """A meter that remembers."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []
        self.admitted_jobs: list[Job] = []
        self.first: list[Job] = []
        self.gaps: list[float] = []
        self.done: list[Job] = []

    def stepped(self, *, computed: int, generated: int) -> None:
        self.steps.append((computed, generated))

    def admitted(self, job: Job) -> None:
        self.admitted_jobs.append(job)

    def prefilled(self, job: Job) -> None:
        self.first.append(job)

    def decoded(self, job: Job, gap: float) -> None:
        self.gaps.append(gap)

    def finished(self, job: Job) -> None:
        self.done.append(job)


class FakeTime:
    """A clock that moves only when the engine sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


Make = Callable[..., Awaitable[tuple[Engine, Tally, FakeTime]]]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    engines: list[Engine] = []

    async def made(**settings: int) -> tuple[Engine, Tally, FakeTime]:
        tally, fake = Tally(), FakeTime()
        engine = Engine(tally, speed=SPEED, clock=fake.clock, sleep=fake.sleep, **settings)
        engine.start()
        engines.append(engine)
        return engine, tally, fake

    yield made
    for engine in engines:
        await engine.stop()


async def run(engine: Engine, prompt: list[int], length: int) -> Job:
    with engine.submit(prompt, length) as job:
        async for _ in job.tokens():
            pass
        return job


async def test_one_job_takes_a_step_for_each_token_and_its_prompt_once(make: Make) -> None:
    engine, tally, fake = await make()
    job = await run(engine, list(range(50)), 4)
    assert tally.steps == [(50, 1), (0, 1), (0, 1), (0, 1)]
    assert engine.busy_seconds == pytest.approx(4 * SPEED.step + 50 * SPEED.prompt_token)
    assert job.first_token - job.arrived == pytest.approx(SPEED.step + 50 * SPEED.prompt_token)
    assert tally.gaps == pytest.approx([SPEED.step] * 3)
    assert tally.done == [job]
    assert fake.now == pytest.approx(100 + engine.busy_seconds)


async def test_jobs_share_steps(make: Make) -> None:
    engine, tally, _ = await make()
    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(run(engine, [number] * 3, 5))
    assert tally.steps == [(24, 8), *[(0, 8)] * 4]


async def test_no_more_jobs_run_than_may(make: Make) -> None:
    engine, tally, _ = await make(max_running=2)
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(run(engine, [number], 2))
    assert [generated for _, generated in tally.steps] == [2, 2, 1, 1]
    third = tally.admitted_jobs[2]
    assert third.scheduled - third.arrived == pytest.approx(2 * SPEED.step + 2 * SPEED.prompt_token)


async def test_a_long_prompt_is_computed_in_chunks_while_others_go_on(make: Make) -> None:
    engine, tally, _ = await make(step_budget=64)
    with engine.submit([1], 10) as short:
        stream = short.tokens()
        await anext(stream)
        long = asyncio.create_task(run(engine, list(range(200)), 1))
        async for _ in stream:
            pass
        await long
    computed = [chunk for chunk, _ in tally.steps if chunk > 1]
    assert sum(computed) == 200
    assert max(computed) < 64
    assert len(computed) == 4


async def test_a_prompt_seen_before_is_cached_but_for_its_rest(make: Make) -> None:
    engine, _, _ = await make()
    prompt = list(range(5 * BLOCK))
    first = await run(engine, prompt, 1)
    again = await run(engine, prompt, 1)
    longer = await run(engine, [*prompt, 7, 8], 1)
    other = await run(engine, [99, *prompt], 1)
    assert [job.cached for job in (first, again, longer, other)] == [0, 4 * BLOCK, 5 * BLOCK, 0]
    engine.forget()
    assert (await run(engine, prompt, 1)).cached == 0


async def test_a_job_whose_client_left_frees_its_place_and_is_not_counted(make: Make) -> None:
    engine, tally, _ = await make(max_running=1)
    with engine.submit([1, 2], 1000) as job:
        stream = job.tokens()
        await anext(stream)
        assert engine.running == 1
    assert engine.running == 0
    after = await run(engine, [3], 1)
    assert tally.done == [after]


async def test_an_idle_engine_takes_no_steps(make: Make) -> None:
    engine, tally, fake = await make()
    await run(engine, [1], 1)
    steps, now = len(tally.steps), fake.now
    for _ in range(50):
        await asyncio.sleep(0)
    assert (len(tally.steps), fake.now) == (steps, now)


def test_the_cache_forgets_what_was_used_least_recently() -> None:
    cache = PrefixCache(2, block=2)
    cache.add([1, 2])
    cache.add([3, 4])
    assert cache.match([1, 2, 0]) == 2
    cache.add([5, 6])
    assert cache.match([1, 2, 0]) == 2
    assert cache.match([3, 4, 0]) == 0


def test_a_pace_keeps_the_proportions() -> None:
    fast = Speed.of(1000)
    assert fast.step == pytest.approx(0.001)
    assert fast.prompt_token / fast.step == pytest.approx(Speed().prompt_token / Speed().step)
