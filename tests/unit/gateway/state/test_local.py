"""State in process: ceilings hold in any order, past windows are forgotten, what was known before counts."""

import asyncio
from collections.abc import Callable

from hypothesis import settings

from gateway.state import local
from gateway.state.claims import Account, Claim, Full, Held, State
from gateway.state.local import LocalState
from tests.unit.gateway.state.machine import StateMachine

DAY = Account("acme", "usd/2026-11-21", 1000)


class LocalMachine(StateMachine):
    def make(self, name: str, now_ms: Callable[[], int]) -> State:
        return LocalState(now_ms)


TestLocalState = LocalMachine.TestCase
TestLocalState.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


async def test_two_hundred_at_once_against_a_ceiling_for_ten_let_ten_through() -> None:
    state = LocalState(lambda: 0)
    found = await asyncio.gather(*(state.reserve(f"r{i}", [Claim(DAY, 10, (1,))]) for i in range(200)))
    assert sum(isinstance(each, Held) for each in found) == 10
    assert {each for each in found if isinstance(each, Full)} == {Full(0, 10)}


async def test_all_claims_are_held_or_none() -> None:
    state = LocalState(lambda: 0)
    other = Account("acme", "requests", 1000)
    assert await state.reserve("r", [Claim(other, 5, (1,)), Claim(DAY, 1, (2,))]) == Full(1, 0)
    assert await state.used([other, DAY]) == [0, 0]


async def test_nothing_is_no_burden_even_to_an_overspent_account() -> None:
    state = LocalState(lambda: 0)
    state.raise_to(DAY, 99)
    assert await state.reserve("r", [Claim(DAY, 10, (0,))]) == Held(0)


async def test_what_was_known_before_is_raised_to_and_not_added() -> None:
    state = LocalState(lambda: 0)
    state.raise_to(DAY, 7)
    state.raise_to(DAY, 7)
    state.raise_to(DAY, 3)
    assert await state.used([DAY]) == [7]


async def test_accounts_of_past_windows_are_forgotten(monkeypatch) -> None:
    monkeypatch.setattr(local, "_SWEEP_AT", 4)
    now = 0
    state = LocalState(lambda: now)
    state._sweep_at = 4
    for minute in range(50):
        now = minute * 60_000
        name = f"r{minute}"
        await state.reserve(name, [Claim(Account("acme", f"minute {minute}", now + 60_000), 5, (1,))])
        state.settle(name, [])
    assert len(state._books) <= 8
