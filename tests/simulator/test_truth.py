"""The simulator itself: its truths add up, and it behaves as engines do."""

import numpy as np
import pytest

from tests.simulator.engine import LLAMA_8B, Engine, Job
from tests.simulator.traffic import MIXES


def run(engine: Engine, jobs: list[Job]) -> None:
    for job in jobs:
        engine.submit(job)
    while not engine.idle:
        engine.step()


def test_the_truths_add_up_to_the_busy_time():
    engine = Engine(LLAMA_8B)
    jobs = MIXES["even"].jobs(0.5, 60, seed=2)
    run(engine, jobs)
    assert sum(job.truth for job in jobs) == pytest.approx(engine.busy, rel=1e-9)
    assert all(job.truth > 0 for job in jobs)


def test_counters_count_what_was_done():
    engine = Engine(LLAMA_8B)
    jobs = MIXES["agents"].jobs(0.3, 60, seed=2)
    run(engine, jobs)
    assert engine.counters.generated == sum(job.output for job in jobs)
    assert engine.counters.prompts == sum(job.prompt for job in jobs)
    assert engine.reading().computed == sum(job.prompt - job.cached for job in jobs)
    assert engine.running == 0


def test_equal_requests_side_by_side_cost_the_same_and_less_than_alone():
    def costs(number: int) -> list[float]:
        engine = Engine(LLAMA_8B, permutations=32)
        jobs = [Job("chat", 0.0, 100, 200) for _ in range(number)]
        run(engine, jobs)
        return [job.truth for job in jobs]

    together, alone = costs(8), costs(1)
    assert np.ptp(together) < 0.15 * together[0]
    assert together[0] < 0.3 * alone[0]


def test_a_prefix_seen_before_is_not_computed_again():
    engine = Engine(LLAMA_8B)
    first = Job("agents", 0.0, 10_000, 50, session="s")
    run(engine, [first])
    second = Job("agents", 0.0, 11_000, 50, session="s", history=10_050)
    run(engine, [second])
    assert first.cached == 0
    assert second.cached == 10_048
    assert second.truth < first.truth


def test_memory_that_runs_out_makes_requests_wait():
    engine = Engine(LLAMA_8B)
    jobs = [Job("rag", 0.0, 150_000, 2_000) for _ in range(4)]
    for job in jobs:
        engine.submit(job)
    for _ in range(200):
        engine.step()
    assert len(engine.batch) == 2
    assert engine.reading().waiting == 2
    while not engine.idle:
        engine.step()
    assert all(job.written == job.output for job in jobs)
