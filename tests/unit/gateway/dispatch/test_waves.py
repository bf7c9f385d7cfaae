"""Requests that are served at the same time take their steps together; one that is alone waits for nobody."""

import asyncio

from gateway.dispatch.waves import Waves


async def travel(name: str, waves: Waves, steps: list[str]) -> None:
    for step in "abc":
        await waves
        steps.append(f"{name}{step}")


async def test_each_step_is_taken_by_all_before_the_next() -> None:
    waves, steps = Waves(), list[str]()
    waves.under_way = 2
    await asyncio.gather(*(travel(name, waves, steps) for name in "12"))
    assert steps == ["1a", "2a", "1b", "2b", "1c", "2c"]


async def test_one_that_is_alone_goes_on_at_once() -> None:
    waves, steps = Waves(), list[str]()
    waves.under_way = 1
    asyncio.get_running_loop().call_soon(steps.append, "others")
    await travel("1", waves, steps)
    assert steps == ["1a", "1b", "1c"]
