"""An inference engine on paper: continuous batching, chunked prefill, a prefix cache, roofline step times, and the
Shapley value of every step, so that what each request truly cost is known."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

import numpy as np

from gateway.fleet.engines.reading import EngineReading

BLOCK = 16  # tokens


@dataclass(frozen=True)
class Machine:
    """A model on its GPUs. Rates are those reached, not those of the data sheet."""

    gpus: int
    parameters: float
    layers: int
    width: int  # heads times head size
    kv_bytes: float  # per token
    flops: float  # per second, all GPUs together
    bandwidth: float  # bytes per second, all GPUs together
    overhead: float  # seconds per step
    per_request: float = 20e-6  # seconds a step takes longer for each request in it
    capacity: int = 400_000  # tokens the KV cache holds
    batch_tokens: int = 8192
    batch_requests: int = 256


LLAMA_8B = Machine(1, 8.03e9, 32, 4096, 131_072, 989e12 * 0.55, 3.35e12 * 0.8, 0.0025)
LLAMA_70B = Machine(
    4, 70.6e9, 80, 8192, 327_680, 4 * 989e12 * 0.45, 4 * 3.35e12 * 0.7, 0.005, capacity=450_000
)


@dataclass(eq=False)
class Job:
    """One request. `history` tokens of the prompt are what the session's last turn left behind, the first
    `shared` ones what all jobs of the route begin with."""

    route: str
    arrives: float
    prompt: int
    output: int
    shared: int = 0
    session: str = ""
    history: int = 0
    via: int = 0  # the gateway it comes through; below 0: it bypasses them all
    streamed: bool = True
    cancelled_at: int | None = None  # the client leaves when so many tokens have come
    leaves: float | None = None  # or at this time
    cached: int = 0
    done: int = 0  # prompt tokens in the KV cache
    written: int = 0
    due: int = 0  # prompt tokens to compute: grows if it is preempted
    truth: float = 0.0  # seconds of the engine that were its own
    ticket: object = None

    @property
    def context(self) -> int:
        return self.done + self.written


@dataclass
class Counters:
    steps: int = 0
    scheduled: int = 0
    generated: int = 0
    prompts: int = 0
    started: int = 0
    preempted: int = 0


@dataclass
class Step:
    """What one step did: how long it took, who got a token, who is done."""

    seconds: float
    tokens: list[Job] = field(default_factory=list)
    finished: list[Job] = field(default_factory=list)


class PrefixCache:
    """Blocks nobody uses just now, least recently used first out."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, int] = OrderedDict()
        self.size = 0

    def keep(self, key: str, tokens: int) -> None:
        self.size += tokens - self.kept.pop(key, 0)
        self.kept[key] = tokens

    def take(self, key: str) -> int:
        tokens = self.kept.pop(key, 0)
        self.size -= tokens
        return tokens

    def shrink(self, room: int) -> None:
        while self.kept and self.size > room:
            self.size -= self.kept.popitem(last=False)[1]


class Engine:
    """Steps as long as there is work; `counters` and `running` are what a metrics page would show."""

    def __init__(self, machine: Machine, seed: int = 0, permutations: int = 4) -> None:
        self.machine = machine
        self.counters = Counters()
        self.waiting: deque[Job] = deque()
        self.batch: list[Job] = []
        self.cache = PrefixCache()
        self.busy = 0.0
        self.running = 0  # as of the last step's end, as vLLM's gauge
        self.used = 0
        self._permutations = permutations
        self._random = np.random.default_rng(seed)

    def submit(self, job: Job) -> None:
        job.due = job.prompt
        self.waiting.append(job)

    def drop(self, job: Job) -> None:
        """The client has left."""
        if job in self.batch:
            self.batch.remove(job)
        elif job in self.waiting:
            self.waiting.remove(job)

    @property
    def gpus(self) -> int:
        return self.machine.gpus

    @property
    def idle(self) -> bool:
        return not self.batch and not self.waiting

    def reading(self) -> EngineReading:
        c = self.counters
        return EngineReading(
            "0",
            self.running,
            len(self.waiting),
            min(1.0, self.used / self.machine.capacity),
            self.machine.capacity,
            c.steps,
            c.scheduled - c.generated,
            c.generated,
            c.prompts,
            c.started,
            preempted=c.preempted,
        )

    def step(self) -> Step:
        self._make_room()
        chunks = self._schedule()
        result = Step(self._charge(chunks))
        for job, tokens in chunks:
            if job.done < job.due:
                job.done += tokens
                if job.done < job.due:
                    continue
                if not job.written:
                    self.counters.started += 1
                    self.counters.prompts += job.prompt
                    self.counters.scheduled += job.prompt - job.cached
                else:
                    self.counters.preempted += 1  # vLLM tells of it with the token that follows
            job.written += 1
            result.tokens.append(job)
            if job.written == job.output:
                result.finished.append(job)
        self._count(result)
        return result

    def _count(self, result: Step) -> None:
        if result.tokens:  # vLLM counts no step that brought nobody a token
            self.counters.steps += 1
            self.counters.generated += len(result.tokens)
            self.counters.scheduled += len(result.tokens)
        for job in result.finished:
            self.batch.remove(job)
            if job.session:
                self.cache.keep(job.session, job.context)
            if job.shared:
                self.cache.keep(job.route, job.shared)
        self.running = len(self.batch)
        self.used = self._used()
        self.cache.shrink(self.machine.capacity - self.used)

    def _used(self) -> int:
        shared = {job.route: job.shared for job in self.batch if job.shared}
        return sum(job.context - job.shared for job in self.batch if job.done) + sum(shared.values())

    def _make_room(self) -> None:
        while len(self.batch) > 1 and self._used() + len(self.batch) > self.machine.capacity:
            job = self.batch.pop()  # preempted: to be computed anew, what it wrote included
            job.due, job.done = job.prompt + job.written, 0
            self.waiting.appendleft(job)

    def _schedule(self) -> list[tuple[Job, int]]:
        decodes = [(job, 1) for job in self.batch if job.done >= job.due]
        budget = self.machine.batch_tokens - len(decodes)
        chunks: list[tuple[Job, int]] = []
        for job in self.batch:
            if job.done < job.due and budget > 0:
                chunks.append((job, min(budget, job.due - job.done)))
                budget -= chunks[-1][1]
        taken = self._used() + sum(job.due - job.done for job in self.batch if job.done < job.due)
        while self.waiting and budget > 0 and len(self.batch) < self.machine.batch_requests:
            job = self.waiting[0]
            if self.batch and taken + job.due > self.machine.capacity:
                break
            self.waiting.popleft()
            self._admit(job)
            taken += job.due - job.done
            self.batch.append(job)
            chunks.append((job, min(budget, job.due - job.done)))
            budget -= chunks[-1][1]
        return decodes + chunks

    def _admit(self, job: Job) -> None:
        hit = min(self.cache.kept.get(job.session, 0), job.history) if job.session else 0
        if job.shared and (
            job.route in self.cache.kept or any(j.route == job.route and j.done for j in self.batch)
        ):
            hit = max(hit, job.shared)
        job.done = min(hit // BLOCK * BLOCK, job.due - 1)
        if not job.written:
            job.cached = job.done
        if job.session:
            self.cache.take(job.session)

    def _charge(self, chunks: list[tuple[Job, int]]) -> float:
        """The step's time, its Shapley value added to each job's truth."""
        m = self.machine
        tokens = np.array([n for _, n in chunks], dtype=float)
        context = np.array([job.context for job, _ in chunks], dtype=float)
        arithmetic = (
            2 * m.parameters * tokens + 4 * m.layers * m.width * tokens * (context + tokens / 2)
        ) / m.flops
        memory = m.kv_bytes * (context + tokens) / m.bandwidth
        weights = 2 * m.parameters / m.bandwidth
        shares = np.zeros(len(chunks))
        for _ in range(self._permutations):
            order = self._random.permutation(len(chunks))
            for way in (order, order[::-1]):
                cost = np.maximum(np.cumsum(arithmetic[way]), weights + np.cumsum(memory[way]))
                cost += m.overhead + m.per_request * np.arange(1, len(chunks) + 1)
                shares[way] += np.diff(cost, prepend=0.0)
        shares /= 2 * self._permutations
        for (job, _), share in zip(chunks, shares, strict=True):
            job.truth += float(share)
        seconds = float(shares.sum())
        self.busy += seconds
        return seconds
