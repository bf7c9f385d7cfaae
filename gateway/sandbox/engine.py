"""A small continuous-batching engine: it thinks nothing, but its steps, batches and caches move as vLLM's do.

Each step gives every running sequence its next token and computes as much waiting prompt as the token budget
allows. A step takes `step + prompt_token * computed + context_token * held` seconds, so that counters,
queues and busy time hang together as they do on a GPU, and a test can compare bookings with the truth.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final, Protocol

BLOCK: Final = 16  # tokens of a prefix-cache block


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds that the engine's three kinds of work take; by default about an 8B model's on one H100."""

    step: float = 0.007
    prompt_token: float = 40e-6
    context_token: float = 40e-9

    @classmethod
    def of(cls, tokens_per_second: float) -> "Speed":
        """The same proportions, for one sequence alone at this many tokens a second."""
        usual = cls()
        scale = 1 / (tokens_per_second * usual.step)
        return cls(usual.step * scale, usual.prompt_token * scale, usual.context_token * scale)


@dataclass(eq=False, slots=True)
class Job:
    """One request inside the engine. Times are the engine clock's seconds."""

    prompt: Sequence[int] = field(repr=False)
    length: int  # tokens to generate
    arrived: float
    at_limit: bool = False  # it ends because max_tokens does, not by itself
    cached: int = 0  # prompt tokens found in the prefix cache
    computed: int = 0  # prompt tokens in the KV cache, cached ones included
    generated: int = 0
    scheduled: float = 0.0
    first_token: float = 0.0
    last_token: float = 0.0
    stamps: asyncio.Queue[float] = field(default_factory=asyncio.Queue, repr=False)

    @property
    def held(self) -> int:
        """Tokens in the KV cache."""
        return self.computed + self.generated

    async def tokens(self) -> AsyncIterator[int]:
        """The tokens' numbers from 1, each when its step is done."""
        for number in range(1, self.length + 1):
            await self.stamps.get()
            yield number


class Meter(Protocol):
    """What the engine reports; vLLM publishes it as `/metrics`."""

    def stepped(self, *, computed: int, generated: int) -> None:
        """One engine step: prompt tokens computed (cache hits are none) and tokens generated."""

    def admitted(self, job: Job) -> None:
        """A job left the queue; its prefix was looked up."""

    def prefilled(self, job: Job) -> None:
        """A job's first token is there."""

    def decoded(self, job: Job, gap: float) -> None:
        """A further token, `gap` seconds after the one before."""

    def finished(self, job: Job) -> None:
        """A job ended by itself. One whose client left is never reported, as in vLLM."""


Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class PrefixCache:
    """Which blocks of which prompts were computed before, least recently used out first."""

    def __init__(self, capacity: int, *, block: int = BLOCK) -> None:
        """`capacity` in blocks of `block` tokens."""
        self._capacity = capacity
        self._block = block
        self._blocks: OrderedDict[int, None] = OrderedDict()

    def match(self, prompt: Sequence[int]) -> int:
        """How many tokens of this prompt's beginning are cached; at least one is left to compute."""
        cached = 0
        for key in self._keys(prompt):
            if key not in self._blocks or cached + self._block >= len(prompt):
                break
            self._blocks.move_to_end(key)
            cached += self._block
        return cached

    def add(self, prompt: Sequence[int]) -> None:
        """Remember this prompt's whole blocks."""
        for key in self._keys(prompt):
            self._blocks[key] = None
            self._blocks.move_to_end(key)
        while len(self._blocks) > self._capacity:
            self._blocks.popitem(last=False)

    def _keys(self, prompt: Sequence[int]) -> Iterator[int]:
        key = 0
        for start in range(0, len(prompt) - self._block + 1, self._block):
            key = hash((key, *prompt[start : start + self._block]))
            yield key


class Engine:
    """The batch and its loop. `start` it, `submit` jobs, `stop` it."""

    def __init__(
        self,
        meter: Meter,
        *,
        speed: Speed | None = None,
        max_running: int = 256,
        step_budget: int = 8192,
        capacity: int = 400_000,
        clock: Clock = perf_counter,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """In tokens: `step_budget` is what one step computes at most, `capacity` what the KV cache holds."""
        self.capacity: Final = capacity
        self.busy_seconds = 0.0  # the truth that bookings can be held against
        self._meter = meter
        self._speed = speed or Speed()
        self._max_running = max_running
        self._step_budget = step_budget
        self._clock = clock
        self._sleep = sleep
        self._cache = PrefixCache(capacity // BLOCK)
        self._waiting: deque[Job] = deque()
        self._running: list[Job] = []
        self._work = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    @property
    def running(self) -> int:
        """Jobs in the batch."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Jobs in the queue."""
        return len(self._waiting)

    @property
    def cache_usage(self) -> float:
        """Share of the KV cache that running jobs hold."""
        return min(1.0, sum(job.held for job in self._running) / self.capacity)

    def start(self) -> None:
        """Begin to step."""
        self._loop = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop stepping and forget all jobs."""
        if self._loop is not None:
            loop, self._loop = self._loop, None
            loop.cancel()
            with suppress(asyncio.CancelledError):
                await loop
        self._waiting.clear()
        self._running.clear()

    def forget(self) -> None:
        """Empty the prefix cache, as vLLM's `/reset_prefix_cache`."""
        self._cache = PrefixCache(self.capacity // BLOCK)

    @contextmanager
    def submit(self, prompt: Sequence[int], length: int, *, at_limit: bool = False) -> Iterator[Job]:
        """Queue a job of `length` tokens for the time of the block; leaving it early aborts the job."""
        job = Job(prompt, max(1, length), self._clock(), at_limit)
        self._waiting.append(job)
        self._work.set()
        try:
            yield job
        finally:
            with suppress(ValueError):
                self._waiting.remove(job)
            with suppress(ValueError):
                self._running.remove(job)

    async def _run(self) -> None:
        while True:
            if not self._running and not self._waiting:
                self._work.clear()
            await self._work.wait()
            began = self._clock()
            self._admit(began)
            chunks, seconds = self._plan()
            await self._sleep(seconds)
            now = self._clock()
            self.busy_seconds += now - began
            self._advance(chunks, now)

    def _admit(self, now: float) -> None:
        """Move waiting jobs into the batch while there is room."""
        held = sum(len(job.prompt) + job.length for job in self._running)
        while self._waiting and len(self._running) < self._max_running:
            job = self._waiting[0]
            held += len(job.prompt) + job.length
            if self._running and held > self.capacity:
                return
            self._waiting.popleft()
            job.scheduled = now
            job.cached = job.computed = self._cache.match(job.prompt)
            self._running.append(job)
            self._meter.admitted(job)

    def _plan(self) -> tuple[dict[Job, int], float]:
        """This step's prompt tokens by job, and the seconds the step takes."""
        chunks: dict[Job, int] = {}
        budget = self._step_budget
        for job in self._running:
            if job.computed == len(job.prompt):
                budget -= 1
                continue
            chunk = min(len(job.prompt) - job.computed, max(budget, 0))
            chunks[job] = chunk
            budget -= chunk
        held = sum(job.held for job in self._running)
        speed = self._speed
        seconds = speed.step + speed.prompt_token * sum(chunks.values()) + speed.context_token * held
        return chunks, seconds

    def _advance(self, chunks: dict[Job, int], now: float) -> None:
        """The step is done: prompts have grown, and every job with a whole prompt has one token more."""
        generated = 0
        for job in tuple(self._running):
            job.computed += chunks.get(job, 0)
            if job.computed < len(job.prompt):
                continue
            job.generated += 1
            generated += 1
            if job.generated == 1:
                job.first_token = now
                self._cache.add(job.prompt)
                self._meter.prefilled(job)
            else:
                self._meter.decoded(job, now - job.last_token)
            job.last_token = now
            job.stamps.put_nowait(now)
            if job.generated == job.length:
                self._running.remove(job)
                self._meter.finished(job)
        self._meter.stepped(computed=sum(chunks.values()), generated=generated)
