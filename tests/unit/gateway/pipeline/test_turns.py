"""Long work is done a slice at a time, and a shorter one where the others' turn took long: they may be as long."""

import asyncio
from collections.abc import Generator

import pytest

from gateway.pipeline import turns
from gateway.pipeline.turns import SLICE_SECONDS, by_turns

STEP = SLICE_SECONDS / 10


class Clock:
    """Stands still but for what the work takes, and the others."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("others", "most"), [(0.0, 11), (0.5, 11), (2.0, 3), (100.0, 3)])
async def test_a_slice_is_shorter_where_others_take_long(
    monkeypatch: pytest.MonkeyPatch, others: float, most: int
) -> None:
    clock = Clock()
    monkeypatch.setattr(turns.time, "perf_counter", clock)
    steps = [0]  # of each slice

    def work() -> Generator[None, None, str]:
        for _ in range(100):
            clock.now += STEP
            steps[-1] += 1
            yield
        return "done"

    async def rest() -> None:
        while True:
            clock.now += others * SLICE_SECONDS
            steps.append(0)
            await asyncio.sleep(0)

    task = asyncio.ensure_future(rest())
    assert await by_turns(work()) == "done"
    task.cancel()
    assert sum(steps) == 100
    assert max(steps[1:]) == most


async def test_many_at_a_time_hold_the_loop_no_longer_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, longest, last = Clock(), 0.0, 0.0
    monkeypatch.setattr(turns.time, "perf_counter", clock)

    def work() -> Generator[None, None, None]:
        for _ in range(400):
            clock.now += STEP
            yield

    async def heart() -> None:
        nonlocal longest, last
        await asyncio.sleep(0)  # all have begun, not knowing of each other
        last = clock.now
        while True:
            await asyncio.sleep(0)
            longest, last = max(longest, clock.now - last), clock.now

    task = asyncio.ensure_future(heart())
    await asyncio.gather(*(by_turns(work()) for _ in range(10)))
    task.cancel()
    assert longest < 5 * SLICE_SECONDS
