"""The replicas of every backend: which is least busy, which is ill, and when an ill one is tried again."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.transport import Pool
from gateway.fleet.affinity import by_weight, within_load

FAILURES_TO_EJECT: Final = 3
FIRST_EJECTION: Final = 2.0  # seconds; doubles with every further failed trial
LONGEST_EJECTION: Final = 60.0


class Replica:
    """One address of a backend, with its connections and its passive health.

    A replica that fails FAILURES_TO_EJECT times in a row is ejected. When its time is over a single
    request may try it; success brings it back, failure ejects it for twice as long.
    """

    __slots__ = (
        "_ejection",
        "_failures",
        "_on_trial",
        "backend",
        "ejected_until",
        "outstanding",
        "pool",
        "refuses_us",
        "url",
    )

    def __init__(self, backend: str, url: str, pool: Pool) -> None:
        self.backend: Final = backend
        self.url: Final = url
        self.pool: Final = pool
        self.outstanding = 0
        self._failures = 0
        self._ejection = 0.0
        self.ejected_until = 0.0
        self._on_trial = False
        self.refuses_us = 0  # the HTTP status by which it refused Weir's own key, until it takes that again

    @property
    def up(self) -> bool:
        """Whether the last word on it is good: not ejected, nor waiting for a trial to prove it."""
        return self._ejection == 0.0

    def available(self, now: float) -> bool:
        """Whether a request may be sent to it at `now` (monotonic seconds)."""
        return self._ejection == 0.0 or (now >= self.ejected_until and not self._on_trial)

    def started(self) -> None:
        """A request goes out."""
        self.outstanding += 1
        if self._ejection:
            self._on_trial = True

    def ended(self, now: float, *, healthy: bool | None) -> None:
        """A request is over. `healthy` is None where it says nothing of the replica (the client left)."""
        self.outstanding -= 1
        self._on_trial = False
        if healthy is None:
            return
        if healthy:
            self._failures = 0
            self._ejection = 0.0
            self.refuses_us = 0
            return
        self._failures += 1
        if self._ejection or self._failures >= FAILURES_TO_EJECT:
            self._ejection = min(max(self._ejection * 2, FIRST_EJECTION), LONGEST_EJECTION)
            self.ejected_until = now + self._ejection


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a backend's replicas stand and how to connect to them; equal placements share connections."""

    backend: str
    urls: tuple[str, ...]
    fingerprint: str  # of everything else the pool depends on: timeouts, TLS, limits


class Fleet:
    """Every replica of the current configuration. Reloading keeps the replicas that did not change."""

    def __init__(self, open_pool: Callable[[str, str], Pool]) -> None:
        self._open_pool = open_pool
        self._replicas: dict[tuple[str, str], Replica] = {}
        self._fingerprints: dict[str, str] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.placed: Final = {
            "kept": 0,
            "busy": 0,
            "away": 0,
        }  # attempts that had a replica of their own, as `prefer`

    def apply(self, placements: Sequence[Placement]) -> None:
        """Take over a new configuration: new replicas open, changed ones reopen, gone ones drain and close."""
        wanted = {(p.backend, url): p.fingerprint for p in placements for url in p.urls}
        for key, replica in list(self._replicas.items()):
            if wanted.get(key) != self._fingerprints.get(key[0]):
                del self._replicas[key]
                self._retire(replica)
        for backend, url in wanted:
            if (backend, url) not in self._replicas:
                self._replicas[backend, url] = Replica(backend, url, self._open_pool(backend, url))
        self._fingerprints = {p.backend: p.fingerprint for p in placements}

    def choose(
        self, backend: str, urls: Sequence[str], now: float, tried: Sequence[Replica]
    ) -> Replica | None:
        """The available replica among `urls` with the fewest requests outstanding, not counting `tried`."""
        best = None
        for url in urls:
            replica = self._replicas.get((backend, url))
            if replica is None or replica in tried or not replica.available(now):
                continue
            if best is None or replica.outstanding < best.outstanding:
                best = replica
        return best

    def prefer(
        self, key: bytes, backend: str, urls: Sequence[str], now: float, tried: Sequence[Replica]
    ) -> Replica | None:
        """As `choose`, but the replica that this key has for its own, while it is not busier than the others. Counted
        as `kept`; else as `busy`, or as `away` where that replica is ill or was tried."""
        known = [r for url in urls if (r := self._replicas.get((backend, url))) is not None]
        ranked = by_weight(key, known)
        free = [replica for replica in ranked if replica not in tried and replica.available(now)]
        if not free:
            return None
        chosen, own = within_load(free), ranked[0]
        self.placed["kept" if chosen is own else "busy" if free[0] is own else "away"] += 1
        return chosen

    def any_of(self, backend: str, urls: Sequence[str]) -> Replica | None:
        """The replica least recently given up on, for when none is available and there is nowhere else to go."""
        known = [r for url in urls if (r := self._replicas.get((backend, url))) is not None]
        return min(known, key=lambda replica: replica.ejected_until, default=None)

    def replicas(self) -> Mapping[tuple[str, str], Replica]:
        """Every replica by backend and URL."""
        return self._replicas

    def _retire(self, replica: Replica) -> None:
        """Close a replica's connections once its requests are over."""

        async def drain() -> None:
            while replica.outstanding:  # noqa: ASYNC110  # rare, and nobody else waits for it
                await asyncio.sleep(0.1)
            await replica.pool.aclose()

        task = asyncio.get_running_loop().create_task(drain())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def aclose(self) -> None:
        """Close every connection now."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        for replica in self._replicas.values():
            await replica.pool.aclose()
        self._replicas.clear()
