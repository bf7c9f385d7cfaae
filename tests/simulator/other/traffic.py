"""Other traffic than `tests.simulator.traffic` has: other lengths, bursts, other routes, for the second engine."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from tests.simulator.drive import Engine
from tests.simulator.engine import Job

Draw = Callable[[np.random.Generator, float, str], list[Job]]


def _about(random: np.random.Generator, mean: float, shape: float, low: int, high: int) -> int:
    """Gamma: a lighter tail than the first traffic's, and more that are short."""
    return int(min(high, max(low, random.gamma(shape, mean / shape))))


def rag(random: np.random.Generator, at: float, session: str) -> list[Job]:
    """Passages behind instructions that all share."""
    del session
    return [
        Job("rag", at, 900 + _about(random, 3_600, 2.5, 500, 16_000), _about(random, 310, 3, 16, 900), 900)
    ]


def chat(random: np.random.Generator, at: float, session: str) -> list[Job]:
    """Turns that grow, a system prompt of a thousand tokens."""
    jobs, history = [], 0
    for _ in range(1 + random.geometric(0.3)):
        prompt = max(1_040, history) + _about(random, 140, 1.2, 10, 1_500)
        output = _about(random, 330, 1.5, 5, 2_000)
        jobs.append(Job("chat", at, prompt, output, 1_024, session, history))
        history = prompt + output
        at += output * 0.03 + random.gamma(2, 12)
    return jobs


def agents(random: np.random.Generator, at: float, session: str) -> list[Job]:
    """Many short calls over one long transcript, most of it read before."""
    jobs, history, prompt = [], 0, 7_000 + _about(random, 6_000, 2, 500, 24_000)
    for _ in range(3 + random.poisson(9)):
        output = _about(random, 90, 1.2, 12, 700)
        jobs.append(Job("agents", at, prompt, output, 6_400, session, history))
        history = prompt + output
        prompt = history + _about(random, 1_300, 0.8, 30, 7_000)
        at += output * 0.03 + 0.3 + random.gamma(1, 3)
    return jobs


def reasoning(random: np.random.Generator, at: float, session: str) -> list[Job]:
    """Long thoughts about short questions."""
    del session
    return [Job("reasoning", at, _about(random, 260, 2, 30, 2_000), _about(random, 3_400, 1.8, 200, 12_000))]


def labels(random: np.random.Generator, at: float, session: str) -> list[Job]:
    """A document in, a word out, in bursts."""
    del session
    return [
        Job(
            "labels",
            at + i * 0.02,
            600 + _about(random, 500, 1.5, 50, 3_000),
            1 + int(random.integers(5)),
            592,
        )
        for i in range(1 + random.poisson(6))
    ]


def digests(random: np.random.Generator, at: float, session: str) -> list[Job]:
    """Whole reports, each to a page."""
    del session
    return [Job("digests", at, _about(random, 18_000, 4, 4_000, 60_000), _about(random, 650, 5, 100, 1_500))]


def code(random: np.random.Generator, at: float, session: str) -> list[Job]:
    """An editor that asks anew as its file grows."""
    jobs, history, prompt = [], 0, _about(random, 2_500, 1.5, 300, 9_000)
    for _ in range(2 + random.poisson(8)):
        jobs.append(Job("code", at, prompt, _about(random, 28, 1.5, 2, 150), 0, session, history))
        history, prompt = prompt, prompt + _about(random, 60, 1, 4, 400)
        at += 0.8 + random.gamma(1, 4)
    return jobs


ROUTES: Final[Mapping[str, Draw]] = {
    "rag": rag, "chat": chat, "agents": agents, "reasoning": reasoning,
    "labels": labels, "digests": digests, "code": code,
}  # fmt: skip
OTHER_MIXES: Final[Mapping[str, Mapping[str, float]]] = {
    "company": {"rag": 3, "chat": 4, "agents": 1, "reasoning": 1},
    "research": {"rag": 5, "chat": 1, "agents": 1, "reasoning": 2},
    "talk": {"rag": 1, "chat": 9, "agents": 0.4, "reasoning": 1},
    "tools": {"rag": 2, "chat": 1, "agents": 3, "reasoning": 0.4},
    "office": {"labels": 4, "digests": 2, "chat": 3},
    "coders": {"code": 6, "agents": 1, "reasoning": 0.5},
}


def jobs_of(mix: str, sessions_per_second: float, seconds: float, seed: int) -> list[Job]:
    """All jobs that arrive in the time, in order. Sessions come in waves of half a minute."""
    random = np.random.default_rng(seed)
    names = sorted(OTHER_MIXES[mix])
    shares = np.array([OTHER_MIXES[mix][name] for name in names])
    jobs: list[Job] = []
    at, number = 0.0, 0
    while True:
        rate = sessions_per_second * (1 + 0.6 * np.sin(at / 30 * 2 * np.pi))
        at += float(random.exponential(1 / rate))
        if at >= seconds:
            return sorted((job for job in jobs if job.arrives < seconds), key=lambda job: job.arrives)
        route = names[random.choice(len(names), p=shares / shares.sum())]
        jobs += ROUTES[route](random, at, f"{route}-{number}")
        number += 1


def saturation(engine: Engine, mix: str, seconds: float = 200.0) -> float:
    """Sessions per second of the mix that keep the engine just busy when it batches all it can."""
    jobs = jobs_of(mix, 1.0, seconds, seed=98)
    for job in jobs:
        engine.submit(job)
    while not engine.idle:
        engine.step()
    return len({job.session or id(job) for job in jobs}) / engine.busy
