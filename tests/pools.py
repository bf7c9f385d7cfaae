"""Pools in this process, as Redis keeps them, that can be made to fail before or after they did what was asked."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.state.claims import Gone
from gateway.state.pools import Given


@dataclass
class _Pool:
    text: str
    left: int
    closed: int | None = None
    given: dict[str, int] = field(default_factory=dict)
    late: dict[str, int] = field(default_factory=dict)
    figures: dict[str, tuple[int, int]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)


@dataclass
class KeptPools:
    """What all gateways share."""

    pools: dict[str, _Pool] = field(default_factory=dict)
    said: dict[str, dict[str, str]] = field(default_factory=dict)


class FakePools:
    """One gateway's way to them. `fault` says of each call: "" it works, "before" or "after" it fails."""

    def __init__(self, kept: KeptPools, fault: Callable[[], str] = lambda: "") -> None:
        self._pools, self._said = kept.pools, kept.said
        self.fault = fault

    async def _do(self, action):
        fault = self.fault()
        if fault == "before":
            raise Gone("cut")
        result = action()
        if fault == "after":
            raise Gone("no answer")
        return result

    async def meet(self, name: str, gateway: str, said: str) -> list[str]:
        def met() -> list[str]:
            self._said.setdefault(name, {})[gateway] = said
            return [each for who, each in self._said[name].items() if who != gateway]

        return await self._do(met)

    async def open(self, name: str, text: str, amount: int) -> str:
        return await self._do(lambda: self._pools.setdefault(name, _Pool(text, amount)).text)

    async def claim(self, name: str, gateway: str, total: int, *, overdraw: bool = False) -> Given | None:
        def claimed() -> Given | None:
            pool = self._pools.get(name)
            if pool is None:
                return None
            more = total - pool.given.get(gateway, 0)
            if not overdraw and more > pool.left:
                more = max(pool.left, 0)
            pool.left -= more
            pool.given[gateway] = pool.given.get(gateway, 0) + more
            if pool.closed is not None:
                pool.late[gateway] = pool.late.get(gateway, 0) + more
            return Given(pool.given[gateway], pool.late.get(gateway, 0))

        return await self._do(claimed)

    async def note(self, name: str, gateway: str, figures: tuple[int, int]) -> tuple[int, int]:
        def noted() -> tuple[int, int]:
            pool = self._pools.get(name)
            if pool is None:
                return figures
            pool.figures[gateway] = figures
            first, second = zip(*pool.figures.values(), strict=True)
            return sum(first), sum(second)

        return await self._do(noted)

    async def left(self, name: str, gateway: str) -> tuple[int, int, int]:
        def asked() -> tuple[int, int, int]:
            pool = self._pools.get(name)
            if pool is None:
                return 0, 0, 0
            asking = sum(
                given for who, given in pool.given.items() if who == gateway or who not in pool.asked
            )
            pool.asked.add(gateway)
            return pool.left, pool.given.get(gateway, 0), asking

        return await self._do(asked)

    async def shut(self, name: str) -> int | None:
        def shut() -> int | None:
            pool = self._pools.get(name)
            if pool is None:
                return None
            if pool.closed is None:
                pool.closed = pool.left
            return pool.closed

        return await self._do(shut)

    async def close(self) -> None:
        return None
