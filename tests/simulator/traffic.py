"""Workloads for the simulated engine: retrieval, chat, agents that re-read their prompts, reasoning."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tests.simulator.engine import Engine, Job, Machine

Draw = Callable[[np.random.Generator, float, str], list[Job]]


def _lognormal(random: np.random.Generator, median: float, spread: float, low: int, high: int) -> int:
    return int(min(high, max(low, median * np.exp(random.normal(0.0, spread)))))


def rag(random: np.random.Generator, at: float, session: str) -> list[Job]:
    """A long prompt of retrieved passages after a short system prompt, and a short answer."""
    prompt = 256 + _lognormal(random, 5_000, 0.6, 800, 28_000)
    return [Job("rag", at, prompt, _lognormal(random, 220, 0.5, 20, 1_000), shared=256)]


def chat(random: np.random.Generator, at: float, session: str) -> list[Job]:
    """Conversations of a few turns with pauses for reading."""
    jobs, history = [], 0
    for _ in range(1 + random.poisson(3)):
        prompt = max(400, history) + _lognormal(random, 80, 0.8, 8, 2_000)
        output = _lognormal(random, 250, 0.7, 10, 1_500)
        jobs.append(Job("chat", at, prompt, output, shared=384, session=session, history=history))
        history = prompt + output
        at += output * 0.02 + float(random.exponential(20))
    return jobs


def agents(random: np.random.Generator, at: float, session: str) -> list[Job]:
    """Tool loops over a growing transcript, nine tenths of it cached."""
    jobs, history, prompt = [], 0, _lognormal(random, 9_000, 0.4, 5_000, 20_000)
    for _ in range(4 + random.poisson(6)):
        output = _lognormal(random, 120, 0.6, 20, 600)
        jobs.append(Job("agents", at, prompt, output, shared=4_096, session=session, history=history))
        history = prompt + output
        prompt = history + _lognormal(random, 900, 0.7, 50, 6_000)
        at += output * 0.025 + 0.5 + float(random.exponential(2))
    return jobs


def reasoning(random: np.random.Generator, at: float, session: str) -> list[Job]:
    """A short question and a long answer."""
    return [
        Job(
            "reasoning",
            at,
            _lognormal(random, 400, 0.6, 50, 4_000),
            _lognormal(random, 2_500, 0.6, 300, 9_000),
        )
    ]


ROUTES: Mapping[str, Draw] = {"rag": rag, "chat": chat, "agents": agents, "reasoning": reasoning}


@dataclass(frozen=True)
class Mix:
    """How many sessions of each route begin per second, relative to each other."""

    name: str
    weights: Mapping[str, float]

    def jobs(self, sessions_per_second: float, seconds: float, seed: int) -> list[Job]:
        """All jobs that arrive in the time, in order."""
        random = np.random.default_rng(seed)
        names, weights = zip(*sorted(self.weights.items()), strict=True)
        shares = np.array(weights) / sum(weights)
        jobs: list[Job] = []
        at = 0.0
        for number in self._count():
            at += float(random.exponential(1 / sessions_per_second))
            if at >= seconds:
                break
            route = names[random.choice(len(names), p=shares)]
            jobs += ROUTES[route](random, at, f"{route}-{number}")
        return sorted((job for job in jobs if job.arrives < seconds), key=lambda job: job.arrives)

    @staticmethod
    def _count() -> Iterator[int]:
        number = 0
        while True:
            yield number
            number += 1


MIXES = {
    mix.name: mix
    for mix in (
        Mix("even", {"rag": 4, "chat": 4, "agents": 1, "reasoning": 1}),
        Mix("rag", {"rag": 10, "chat": 2, "agents": 0.5, "reasoning": 0.5}),
        Mix("chat", {"rag": 1, "chat": 10, "agents": 0.5, "reasoning": 0.5}),
        Mix("agents", {"rag": 1, "chat": 2, "agents": 4, "reasoning": 0.5}),
        Mix("reasoning", {"rag": 1, "chat": 2, "agents": 0.3, "reasoning": 6}),
    )
}


def saturation(machine: Machine, mix: Mix, seconds: float = 300.0) -> float:
    """Sessions per second of the mix that keep the machine just busy when it batches all it can."""
    jobs = mix.jobs(1.0, seconds, seed=99)
    sessions = len({job.session or id(job) for job in jobs})
    engine = Engine(machine, permutations=1)
    for job in jobs:
        engine.submit(job)
    while not engine.idle:
        engine.step()
    return sessions / engine.busy
