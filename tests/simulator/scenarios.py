"""Whole experiments: an engine, a mix of traffic at a load, gateways that keep accounts, and what came of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np

from gateway.metering.gpu.facts import Coefficients
from gateway.metering.gpu.hardware import GPUS, guess, model
from tests.simulator.drive import Drive, Outcome
from tests.simulator.engine import LLAMA_8B, LLAMA_70B, Engine, Job, Machine
from tests.simulator.traffic import MIXES, saturation

MACHINES: Final[Mapping[str, Machine]] = {"8B on 1": LLAMA_8B, "70B on 4": LLAMA_70B}
_SHAPE = {"num_key_value_heads": 8, "vocab_size": 128256, "tie_word_embeddings": False}
CONFIGS: Final[Mapping[str, Mapping[str, object]]] = {
    "8B on 1": _SHAPE
    | {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "intermediate_size": 14336},
    "70B on 4": _SHAPE
    | {"hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64, "intermediate_size": 28672},
}

Alter = Callable[[Sequence[Job], np.random.Generator], None]


def guessed(machine: str, wrong: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Coefficients:
    """The first guess from config.json and data sheet, its step, prompt and context costs off by factors."""
    right = guess(model(CONFIGS[machine]), GPUS["H100"], MACHINES[machine].gpus)
    step, prompt, context = wrong
    return replace(
        right, step=right.step * step, prompt=right.prompt * prompt, context=right.context * context
    )


@cache
def full(machine: str, mix: str) -> float:
    """Sessions per second at full load."""
    return saturation(MACHINES[machine], MIXES[mix])


def traffic(machine: str, mix: str, load: float, seconds: float, seed: int = 1) -> list[Job]:
    """Jobs for so many seconds at a share of full load."""
    return MIXES[mix].jobs(full(machine, mix) * load, seconds, seed)


def play(
    machine: str,
    jobs: Sequence[Job],
    seconds: float,
    *,
    since: float = 0.0,
    wrong: tuple[float, float, float] = (1.0, 1.0, 1.0),
    alter: Alter | None = None,
    seed: int = 3,
    **options: object,
) -> Outcome:
    """Run the jobs and compare what was booked with the truth, of those that arrive after `since`."""
    if alter:
        alter(jobs, np.random.default_rng(seed))
    drive = Drive(Engine(MACHINES[machine], seed), guessed(machine, wrong), seed=seed, **options)
    drive.run(jobs, seconds)
    return drive.outcome(since)


def bypassing(share: float) -> Alter:
    """So much of the traffic goes round the gateways."""

    def alter(jobs: Sequence[Job], random: np.random.Generator) -> None:
        for job in jobs:
            job.via = -1 if random.random() < share else 0

    return alter


def split(gateways: int) -> Alter:
    """The traffic comes through several gateways."""

    def alter(jobs: Sequence[Job], random: np.random.Generator) -> None:
        for job in jobs:
            job.via = int(random.integers(gateways))

    return alter


def unstreamed(*routes: str) -> Alter:
    """These routes do not stream."""

    def alter(jobs: Sequence[Job], random: np.random.Generator) -> None:
        for job in jobs:
            job.streamed = job.route not in routes

    return alter


def half_unstreamed(jobs: Sequence[Job], random: np.random.Generator) -> None:
    """Every other answer comes in one piece, whichever route it is of."""
    for job in jobs:
        job.streamed = random.random() < 0.5


def impatient(jobs: Sequence[Job], random: np.random.Generator) -> None:
    """A quarter of the clients leave: most in the middle of an answer, some before it begins."""
    for job in jobs:
        draw = random.random()
        if draw < 0.15:
            job.cancelled_at = max(1, int(job.output * random.random()))
        elif draw < 0.25:
            job.leaves = job.arrives + float(random.exponential(2))
