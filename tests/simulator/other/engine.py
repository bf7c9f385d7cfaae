"""A second engine on paper, built to other plans than the first: a prefix cache of blocks, prompts before answers or
beside them, several tokens to a step. Its truth, too, is the Shapley value of every step."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from gateway.fleet.engines.reading import EngineReading
from tests.simulator.engine import Counters, Job, Step
from tests.simulator.other.blocks import BLOCK, Blocks, Key
from tests.simulator.other.machine import Hardware, Plan

_Part = tuple[Job, int]  # a job and how many tokens a step computes for it


class OtherEngine:
    """As `tests.simulator.engine.Engine`, for the same `Drive`."""

    def __init__(self, machine: Hardware, plan: Plan, seed: int = 0, orders: int = 4) -> None:
        self.machine = machine
        self.busy = 0.0
        self.counters = Counters()
        self._plan = plan
        self._orders = orders
        self._random = np.random.default_rng(seed)
        self._blocks = Blocks(machine.blocks)
        self._held: dict[Job, list[Key]] = {}
        self._queue: deque[Job] = deque()
        self._running: list[Job] = []
        self._shown = (0, 0, 0.0)  # running, waiting, cache usage after the last step

    @property
    def gpus(self) -> int:
        return self.machine.gpus

    @property
    def idle(self) -> bool:
        return not self._queue and not self._running

    def submit(self, job: Job) -> None:
        job.due = job.prompt
        self._queue.append(job)

    def drop(self, job: Job) -> None:
        """The client has left."""
        if job in self._queue:
            self._queue.remove(job)
        elif job in self._held:
            self._running.remove(job)
            self._release(job)

    def reading(self) -> EngineReading:
        c, (running, waiting, usage) = self.counters, self._shown
        return EngineReading(
            "0", running, waiting, usage, self.machine.blocks * BLOCK,
            c.steps, c.scheduled - c.generated, c.generated, c.prompts, c.started, preempted=c.preempted,
        )  # fmt: skip

    def step(self) -> Step:
        parts = self._mixed() if self._plan.order == "mixed" else self._prompts_first()
        result = Step(self._charge(parts))
        before = self.counters.generated
        for job, tokens in parts:
            if job in self._held:  # else it lost its place to another of this step
                self._advance(job, tokens, result)
        if self.counters.generated > before:
            self.counters.steps += 1
        for job in result.finished:
            self._running.remove(job)
            self._release(job)
        self._shown = (len(self._running), len(self._queue), self._blocks.usage)
        return result

    def _advance(self, job: Job, tokens: int, result: Step) -> None:
        if job.done < job.due:
            job.done += tokens
            if job.done < job.due:
                return
            if not job.written:
                self.counters.started += 1
                self.counters.prompts += job.prompt
                self.counters.scheduled += job.prompt - job.cached
            fresh = 1
        else:
            fresh = self._guessed()
        fresh = min(fresh, (job.cancelled_at or job.output) - job.written)
        job.written += fresh
        self.counters.generated += fresh
        self.counters.scheduled += fresh
        result.tokens.append(job)
        if job.written >= job.output:
            result.finished.append(job)

    def _guessed(self) -> int:
        right = 0
        while right < self._plan.drafts and self._random.random() < self._plan.hit:
            right += 1
        return 1 + right

    def _mixed(self) -> list[_Part]:
        parts = self._answers()
        budget = self._plan.batch_tokens - sum(tokens for _, tokens in parts)
        return parts + self._prompts(budget)

    def _prompts_first(self) -> list[_Part]:
        return self._prompts(self._plan.batch_tokens) or self._answers() or self._prompts(1 << 20)

    def _answers(self) -> list[_Part]:
        """A step of all that write, who gives up its place where there is no room for their next tokens."""
        parts: list[_Part] = []
        for job in list(self._running):
            if job.done < job.due or job not in self._held:
                continue
            ahead = 1 + self._plan.drafts
            while not self._grow(job, min(job.context + ahead, job.prompt + job.output)):
                last = self._running[-1]
                self._preempt(last)
                parts = [part for part in parts if part[0] is not last]
                if last is job:
                    break
            else:
                parts.append((job, ahead))
        return parts

    def _prompts(self, budget: int) -> list[_Part]:
        parts: list[_Part] = []
        for job in self._running:
            if job.done < job.due and budget > 0:
                parts.append((job, min(budget, self._plan.longest_chunk, job.due - job.done)))
                budget -= parts[-1][1]
        while self._queue and budget > 0 and len(self._running) < self._plan.batch_requests:
            job = self._queue[0]
            if not self._admit(job):
                break
            self._queue.popleft()
            self._running.append(job)
            parts.append((job, min(budget, self._plan.longest_chunk, job.due - job.done)))
            budget -= parts[-1][1]
        return parts

    def _admit(self, job: Job) -> bool:
        """Give it room for the whole prompt, or nothing."""
        keys = [self._key(job, number) for number in range(-(-job.due // BLOCK))]
        seen = job.due if job.written else max(job.shared, job.history)
        hit = min(self._blocks.known(keys), seen // BLOCK, (job.due - 1) // BLOCK)
        self._held[job] = []
        reserve = 0 if not self._running else self._blocks.total // 100
        if self._blocks.free - reserve < len(keys) - hit or not self._grow(job, job.due):
            self._release(job)
            return False
        job.done = hit * BLOCK
        if not job.written:
            job.cached = job.done
        return True

    def _grow(self, job: Job, tokens: int) -> bool:
        held = self._held[job]
        for number in range(len(held), -(-tokens // BLOCK)):
            key = self._key(job, number)
            if not self._blocks.read(key):
                return False
            held.append(key)
        return True

    def _preempt(self, job: Job) -> None:
        """To be computed anew, what it wrote included."""
        self.counters.preempted += 1  # vLLM tells of it at once where it schedules a step ahead
        self._running.remove(job)
        self._release(job)
        job.due, job.done = job.prompt + job.written, 0
        self._queue.appendleft(job)

    def _release(self, job: Job) -> None:
        self._blocks.leave(self._held.pop(job))

    @staticmethod
    def _key(job: Job, number: int) -> Key:
        """Blocks that begin the same are the same: of the route, of the session, or else the job's own."""
        if (number + 1) * BLOCK <= job.shared:
            return job.route, number
        return job.session or id(job), number

    def _charge(self, parts: Sequence[_Part]) -> float:
        tokens = np.array([n for _, n in parts], dtype=float)
        context = np.array([job.context for job, _ in parts], dtype=float)
        samples = np.array([job.done + n >= job.due for job, n in parts], dtype=float)
        shares = np.zeros(len(parts))
        for _ in range(self._orders):
            order = self._random.permutation(len(parts))
            for way in (order, order[::-1]):
                cost = self.machine.cost(tokens[way], context[way], samples[way])
                shares[way] += np.diff(cost, prepend=0.0)
        shares /= 2 * self._orders
        for (job, _), share in zip(parts, shares, strict=True):
            job.truth += float(share)
        seconds = float(shares.sum())
        self.busy += seconds
        return seconds
