"""Closed windows that all gateways in front of an engine share: written once, drawn on until empty."""

from dataclasses import dataclass
from typing import Protocol

from gateway.metering.gpu.facts import Row, RowKey


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a claim got. `late`: the window's foreign time was booked before and must be corrected."""

    gpu_ns: int
    late: bool


class WindowRows(Protocol):
    """Where rows are kept. Each call is atomic and answers the same when repeated by another gateway."""

    async def publish(self, key: RowKey, row: Row, pool_ns: int) -> Row:
        """Keep the row, and `pool_ns` of GPU time to be claimed, unless one is there; the row that counts."""

    async def draw(self, key: RowKey, gpu_ns: int) -> Drawn:
        """Claim GPU time from the window's pool, as far as it goes; a negative claim gives back."""

    async def close(self, key: RowKey) -> int:
        """By the row's writer, once: what nobody has claimed (GPU ns); it stays there for late claims."""


@dataclass(slots=True)
class _Pool:
    row: Row
    left_ns: int
    closed: bool = False


class InProcessRows:
    """Rows of one process: a single gateway's. Keeps the last `keep` windows of each replica."""

    def __init__(self, keep: int = 3600) -> None:
        self._keep = keep
        self._pools: dict[tuple[str, str, int], dict[int, _Pool]] = {}

    async def publish(self, key: RowKey, row: Row, pool_ns: int) -> Row:
        pools = self._pools.setdefault((key.backend, key.replica, key.gpus), {})
        pool = pools.setdefault(key.window, _Pool(row, pool_ns))
        while len(pools) > self._keep:
            del pools[next(iter(pools))]
        return pool.row

    async def draw(self, key: RowKey, gpu_ns: int) -> Drawn:
        pool = self._pools.get((key.backend, key.replica, key.gpus), {}).get(key.window)
        if pool is None:
            return Drawn(0, late=False)
        drawn = min(gpu_ns, pool.left_ns)
        pool.left_ns -= drawn
        return Drawn(drawn, late=pool.closed)

    async def close(self, key: RowKey) -> int:
        pool = self._pools[key.backend, key.replica, key.gpus][key.window]
        pool.closed = True
        return pool.left_ns
