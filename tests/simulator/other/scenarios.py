"""Experiments with the second engine. The accounts begin from the guess they have anywhere: config.json, data sheet."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np

from tests.simulator.drive import Drive, Outcome
from tests.simulator.engine import Job
from tests.simulator.other.engine import OtherEngine
from tests.simulator.other.machine import LARGE, SMALL, Hardware, Plan
from tests.simulator.other.traffic import jobs_of, saturation
from tests.simulator.scenarios import Alter, guessed

HARDWARE: Final[Mapping[str, Hardware]] = {"8B on 1": SMALL, "70B on 4": LARGE}
PLANS: Final[Mapping[str, Plan]] = {
    "mixed": Plan(),
    "small chunks": Plan(batch_tokens=512, longest_chunk=384),
    "prompts first": Plan("prompts first", batch_tokens=16_384),
    "drafts": Plan(drafts=3, hit=0.7, batch_tokens=8_192),
}


@cache
def other_full(machine: str, plan: str, mix: str) -> float:
    """Sessions per second at full load."""
    return saturation(OtherEngine(HARDWARE[machine], PLANS[plan], orders=1), mix)


def other_traffic(machine: str, plan: str, mix: str, load: float, seconds: float, seed: int = 5) -> list[Job]:
    """Jobs for so many seconds at a share of full load."""
    return jobs_of(mix, other_full(machine, plan, mix) * load, seconds, seed)


def play_other(
    machine: str,
    plan: str,
    jobs: Sequence[Job],
    seconds: float,
    *,
    since: float = 0.0,
    wrong: tuple[float, float, float] = (1.0, 1.0, 1.0),
    alter: Alter | None = None,
    seed: int = 7,
    **options: object,
) -> Outcome:
    """As `tests.simulator.scenarios.play`."""
    if alter:
        alter(jobs, np.random.default_rng(seed))
    engine = OtherEngine(HARDWARE[machine], PLANS[plan], seed)
    drive = Drive(engine, guessed(machine, wrong), seed=seed, **options)
    drive.run(jobs, seconds)
    return drive.outcome(since)
