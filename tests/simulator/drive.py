"""Plays traffic through a simulated engine while gateways keep their GPU accounts, and compares with the truth."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from adapters.chat import TokenUsage
from gateway.fleet.engines.reading import EngineReading, Reading
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.facts import SECOND, Booking, Coefficients, GpuBackend
from gateway.metering.gpu.rows import InProcessRows, WindowRows
from gateway.metering.gpu.shared_rows import SharedRows
from tests.pools import FakePools, KeptPools
from tests.simulator.engine import Job, Step

_QUIET = 4.0  # seconds after the last request, in which windows close as they do while gateways run
EPOCH = 1_800_000_000 * SECOND


@dataclass
class Outcome:
    """GPU seconds by route: the truth, and what was booked to it. `provisional`: as shown with the answers."""

    truth: dict[str, float]
    booked: dict[str, float]
    kinds: dict[str, float]
    busy: float
    bypassing: float
    provisioned_ns: int
    booked_ns: int
    provisional: dict[str, float] = field(default_factory=dict)
    corrections: float = 0.0
    per_job: list[tuple[str, float, float]] = field(default_factory=list)

    @property
    def errors(self) -> dict[str, float]:
        """Relative error of each route."""
        return {r: self.booked.get(r, 0.0) / t - 1 for r, t in sorted(self.truth.items()) if t > 0}

    @property
    def worst(self) -> float:
        return max(abs(e) for e in self.errors.values())

    @property
    def mean(self) -> float:
        return sum(abs(e) for e in self.errors.values()) / len(self.errors)


def _rows(kept: KeptPools, gateways: int, number: int) -> WindowRows:
    return SharedRows(FakePools(kept), f"g{number}") if gateways > 1 else InProcessRows()


class Engine(Protocol):
    """What is driven."""

    busy: float  # seconds

    @property
    def gpus(self) -> int: ...
    @property
    def idle(self) -> bool: ...
    def submit(self, job: Job) -> None: ...
    def drop(self, job: Job) -> None: ...
    def step(self) -> Step: ...
    def reading(self) -> EngineReading: ...


class Drive:
    """One engine and the gateways before it.

    Pages come each `scrape` seconds, samples each `sample`, `phase` after the windows' edges; tokens arrive
    `delay` seconds late. `prompt_known`: prompts are estimated beforehand; `hints`: cohorts and streaming are
    told too; `cached_told`: the engine reports cached tokens.
    """

    def __init__(
        self,
        engine: Engine,
        guess: Coefficients,
        *,
        gateways: int = 1,
        seed: int = 0,
        scrape: float = 1.0,
        sample: float = 0.2,
        phase: float = 0.0,
        delay: float = 0.0,
        hints: bool = True,
        prompt_known: bool = True,
        cached_told: bool = True,
        **accounts: object,
    ) -> None:
        self.engine = engine
        self.random = np.random.default_rng(seed + 1)
        kept = KeptPools()
        backend = GpuBackend("gpu", ("r0",), engine.gpus, None, guess)
        self.gateways = [
            GpuAccounts(
                [backend], now_ns=0, wall_ns=EPOCH, gateway=f"g{i}", rows=_rows(kept, gateways, i), **accounts
            )
            for i in range(gateways)
        ]
        self.bookings: list[Booking] = []
        self.provisional: Counter[Job] = Counter()
        self._beat, self._sample = scrape, sample
        self._next_read = self._phase = phase
        self._delay, self._hints = delay, hints
        self._reads = 0
        self._known, self._told = prompt_known, cached_told
        self._jobs: list[Job] = []
        self._leaving: list[tuple[float, int, Job]] = []

    def run(self, jobs: Sequence[Job], seconds: float) -> None:
        """Play the jobs that arrive within `seconds`, until all are done."""
        now, arrivals = 0.0, list(reversed(jobs))
        while now < seconds or not self.engine.idle:
            while arrivals and arrivals[-1].arrives <= now:
                self._arrive(arrivals.pop())
            self._leave(now)
            if self.engine.idle:
                until = min(seconds, arrivals[-1].arrives if arrivals else seconds)
                self._read_until(until)
                now = until
                continue
            before = self.engine.reading()
            step = self.engine.step()
            end = now + step.seconds
            self._read_until(end, before)
            self._deliver(step.tokens, end)
            now = end
        self.ended = now + _QUIET
        self._read_until(self.ended + 0.1)

    def outcome(self, since: float = 0.0) -> Outcome:
        """Close the books and compare."""
        end = int((self.ended + 0.1) * SECOND)
        for gateway in reversed(self.gateways):
            self.bookings += gateway.close_windows(end)
        for gateway in self.gateways:
            self.bookings += gateway.finish(end)
        truth: dict[str, float] = defaultdict(float)
        booked: dict[str, float] = defaultdict(float)
        shown: dict[str, float] = defaultdict(float)
        own: Counter[Job] = Counter()
        kinds: Counter[str] = Counter()
        for booking in self.bookings:
            kinds[booking.kind] += booking.gpu_ns
            if isinstance(booking.owner, Job):
                own[booking.owner] += booking.gpu_ns
        gpus, bypassing = self.engine.gpus, 0.0
        jobs = [job for job in self._jobs if job.arrives >= since]
        for job in self._jobs:
            bypassing += gpus * job.truth if job.via < 0 else 0.0
        for job in jobs:
            if job.via >= 0:
                truth[job.route] += gpus * job.truth
                booked[job.route] += own[job] / SECOND
                shown[job.route] += self.provisional[job] / SECOND
        return Outcome(
            dict(truth),
            dict(booked),
            {k: ns / SECOND for k, ns in kinds.items()},
            gpus * self.engine.busy,
            bypassing,
            sum(g.provisioned("gpu", "r0") for g in self.gateways),
            sum(kinds.values()),
            dict(shown),
            sum(b.gpu_ns for b in self.bookings if b.correction and b.kind == "request") / SECOND,
            [(j.route, gpus * j.truth, own[j] / SECOND) for j in jobs if j.via >= 0],
        )

    def _arrive(self, job: Job) -> None:
        self._jobs.append(job)
        self.engine.submit(job)
        if job.leaves is not None:
            heapq.heappush(self._leaving, (job.leaves, len(self._jobs), job))
        if job.via >= 0:
            sent = int((job.arrives - 0.001) * SECOND)
            hint = int(job.prompt * self.random.uniform(0.9, 1.1)) if self._known else 0
            told = (
                {"prompt_tokens": hint, "cohort": job.route, "streamed": job.streamed} if self._hints else {}
            )
            job.ticket = self.gateways[job.via].at("gpu", "r0").begin(job, max(0, sent), **told)

    def _leave(self, now: float) -> None:
        while self._leaving and self._leaving[0][0] <= now:
            job = heapq.heappop(self._leaving)[2]
            if job.written < job.output:
                self.engine.drop(job)
                self._end(job, int(now * SECOND))

    def _deliver(self, tokens: Sequence[Job], end: float) -> None:
        late = end + self._delay + float(self.random.uniform(0.001, 0.004))
        came = int(late * SECOND)
        for job in tokens:
            if job.via >= 0 and job.streamed:
                job.ticket.tokens(came, 1)
            if job.written == job.output:
                self._end(job, came + SECOND // 1000)
            elif job.written == job.cancelled_at:
                self.engine.drop(job)
                self._end(job, came)

    def _end(self, job: Job, now: int) -> None:
        if job.via < 0:
            return
        if job.written == job.output:
            cached = job.cached if self._told else 0
            usage = TokenUsage(job.prompt - cached, cached, 0, job.output, source="reported")
        else:
            usage = TokenUsage(job.prompt, 0, 0, job.written if job.streamed else 0, source="estimated")
        self.provisional[job] += job.ticket.end(now, usage)

    def _read_until(self, end: float, state: object = None) -> None:
        """Scrapes and samples that fall before `end` see the engine as the last step left it."""
        engine = state or self.engine.reading()
        while self._next_read < end:
            asked = int((self._next_read + float(self.random.uniform(0, 0.004))) * SECOND)
            answered = asked + int(float(self.random.uniform(0.002, 0.02)) * SECOND)
            whole = self._reads % round(self._beat / self._sample) == 0
            for gateway in self.gateways:
                gateway.observe("gpu", "r0", Reading(asked, answered, (engine,), counters=whole))
            if whole:
                for gateway in self.gateways:
                    self.bookings += gateway.close_windows(answered)
            self._reads += 1
            self._next_read = self._phase + self._reads * self._sample
