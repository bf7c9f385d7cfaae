"""What must hold of any state, whatever the order of reservations, settlements, deaths and time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.state.claims import Account, Claim, Full, Held, State

LEASE_SECONDS = 30.0
CEILINGS = (10, 25)
amounts = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 12)), min_size=1, max_size=3)


@dataclass
class Lease:
    gateway: int
    held: tuple[int, ...]
    born: int  # the gateway's generation
    settled: bool = False


class StateMachine(RuleBasedStateMachine):
    """`gateways` share one state; a subclass says how they are made. Time moves in steps short enough for the
    living to renew their leases."""

    gateways: int = 1

    def make(self, name: str, now_ms: Callable[[], int]) -> State:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.now = 4_000_000_000_000  # Redis forgets what its own clock says has passed
        self.accounts = [Account("acme", f"a{i}", self.now + 10**9) for i in range(len(CEILINGS))]
        self.settled = [0] * len(CEILINGS)
        self.leases: dict[str, Lease] = {}
        self.dead: list[tuple[int, tuple[int, ...]]] = []  # when a gateway died, and what one lease held then
        self.made = 0
        self.count = 0

    @initialize()
    def begin(self) -> None:
        self.states = [self._new() for _ in range(self.gateways)]

    def _new(self) -> tuple[State, asyncio.Task[None]]:
        async def started() -> tuple[State, asyncio.Task[None]]:
            state = self.make(name, lambda: self.now)
            return state, asyncio.get_running_loop().create_task(state.run())

        name = f"g{self.made}"
        self.made += 1
        return self.loop.run_until_complete(started())

    def _end(self, state: State, task: asyncio.Task[None]) -> None:
        async def ended() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await state.close()

        self.loop.run_until_complete(ended())

    def _used(self, gateway: int) -> list[int]:
        return self.loop.run_until_complete(self.states[gateway][0].used(self.accounts))

    def _alive(self) -> list[int]:
        return [
            sum(lease.held[i] for lease in self.leases.values() if not lease.settled)
            for i in range(len(CEILINGS))
        ]

    @rule(gateway=st.integers(0, 1), ways=amounts)
    def reserve(self, gateway: int, ways: list[tuple[int, int]]) -> None:
        gateway %= self.gateways
        self.count += 1
        before = self._used(gateway)
        claims = [
            Claim(account, ceiling, tuple(way[i] for way in ways))
            for i, (account, ceiling) in enumerate(zip(self.accounts, CEILINGS, strict=True))
        ]
        name = f"lease-{self.count}"
        found = self.loop.run_until_complete(self.states[gateway][0].reserve(name, claims))
        fits = [
            all(not way[i] or before[i] + way[i] <= CEILINGS[i] for i in range(len(CEILINGS))) for way in ways
        ]
        if isinstance(found, Held):
            assert found.way == fits.index(True), "the first way that fits is taken"
            self.leases[name] = Lease(gateway, ways[found.way], self.made)
        else:
            assert not any(fits), "what fits is granted"
            assert found == Full(found.claim, before[found.claim])
            assert before[found.claim] + ways[-1][found.claim] > CEILINGS[found.claim]

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), share=st.floats(0, 1))
    def settle(self, data: st.DataObject, share: float) -> None:
        """What was used is at most what was held; a second settlement of the same lease changes nothing."""
        name = data.draw(st.sampled_from(sorted(self.leases)))
        lease = self.leases[name]
        spent = [int(amount * share) for amount in lease.held]
        state = self.states[lease.gateway][0]
        for _ in range(2):
            state.settle(name, list(zip(self.accounts, spent, strict=True)))
        if not lease.settled:
            lease.settled = True
            self.settled = [a + b for a, b in zip(self.settled, spent, strict=True)]
        self._used(lease.gateway)

    @invariant()
    def nothing_passes_a_ceiling(self) -> None:
        if not hasattr(self, "states"):
            return
        alive = self._alive()
        for gateway in range(self.gateways):
            for i, used in enumerate(self._used(gateway)):
                assert 0 <= self.settled[i] + alive[i] <= used <= CEILINGS[i]
                late = sum(held[i] for died, held in self.dead if self.now - died < 2000 * LEASE_SECONDS)
                assert used <= self.settled[i] + alive[i] + late, "what the dead held is free again"

    def teardown(self) -> None:
        for state, task in getattr(self, "states", ()):
            self._end(state, task)
        self.loop.close()
