"""Requests that are served at the same time take their steps together; one that is alone waits for nobody."""

import asyncio

from gateway.dispatch.waves import ROUNDS, Waves


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


async def come(name: str, waves: Waves, steps: list[str]) -> None:
    await waves.gate
    steps.append(name)


async def rounds(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_who_comes_while_a_wave_is_on_its_way_goes_with_the_next() -> None:
    waves, steps = Waves(), list[str]()
    waves.under_way = 2
    async with asyncio.TaskGroup() as group:
        group.create_task(come("1", waves, steps))
        group.create_task(come("2", waves, steps))
        await rounds(2)
        assert steps == ["1", "2"]
        group.create_task(come("3", waves, steps))
        await rounds(2)
        group.create_task(come("4", waves, steps))
        await rounds(ROUNDS - 3)
        assert steps == ["1", "2"]
        await rounds(2)
        assert steps == ["1", "2", "3", "4"]


async def test_a_gate_that_nobody_waits_at_opens_again() -> None:
    waves, steps = Waves(), list[str]()
    waves.under_way = 2
    for name in "12":
        await asyncio.gather(come(name, waves, steps))
        await rounds(ROUNDS)
    later = asyncio.create_task(come("3", waves, steps))
    await rounds(2)
    assert steps == ["1", "2", "3"]
    await later


async def test_one_that_is_alone_finds_the_gate_open() -> None:
    waves, steps = Waves(), list[str]()
    waves.under_way = 1
    asyncio.get_running_loop().call_soon(steps.append, "others")
    await come("1", waves, steps)
    assert steps == ["1"]


async def test_one_that_is_cancelled_while_it_waits_holds_up_nobody() -> None:
    waves, steps = Waves(), list[str]()
    waves.under_way = 2
    first = asyncio.create_task(come("1", waves, steps))
    await rounds(2)
    gone, stays = (asyncio.create_task(come(name, waves, steps)) for name in "23")
    await rounds(1)
    gone.cancel()
    await asyncio.wait([first, gone, stays])
    assert steps == ["1", "3"]
    assert gone.cancelled()
