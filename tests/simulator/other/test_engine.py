"""The second engine's truths add up, and it behaves as it was planned to."""

from dataclasses import replace

import pytest

from tests.simulator.engine import Job
from tests.simulator.other.blocks import Blocks
from tests.simulator.other.engine import OtherEngine
from tests.simulator.other.machine import SMALL, Plan
from tests.simulator.other.scenarios import PLANS
from tests.simulator.other.traffic import jobs_of


def run(engine: OtherEngine, jobs: list[Job]) -> None:
    for job in jobs:
        engine.submit(job)
    while not engine.idle:
        engine.step()


@pytest.mark.parametrize("plan", PLANS)
def test_truths_and_counters_add_up(plan):
    engine, jobs = OtherEngine(SMALL, PLANS[plan]), jobs_of("company", 0.4, 30.0, seed=2)
    run(engine, jobs)
    assert sum(job.truth for job in jobs) == pytest.approx(engine.busy, rel=1e-9)
    assert engine.counters.generated == sum(job.output for job in jobs)
    assert engine.reading().computed == sum(job.prompt - job.cached for job in jobs)
    assert engine.reading().kv_usage == engine.reading().running == 0


def test_a_prefix_is_found_block_by_block():
    engine = OtherEngine(SMALL, Plan())
    first = Job("agents", 0.0, 10_000, 50, shared=4_096, session="s")
    run(engine, [first])
    again = Job("agents", 0.0, 11_000, 50, shared=4_096, session="s", history=10_050)
    other = Job("agents", 0.0, 9_000, 50, shared=4_096, session="t")
    run(engine, [again, other])
    assert (first.cached, again.cached, other.cached) == (0, 10_048, 4_096)


def test_prompts_come_first_where_that_is_the_plan():
    engine = OtherEngine(SMALL, PLANS["prompts first"])
    writing, waiting = Job("chat", 0.0, 100, 50), Job("rag", 0.0, 40_000, 5)
    engine.submit(writing)
    engine.step()
    engine.submit(waiting)
    while waiting.done < waiting.due:
        assert writing not in engine.step().tokens
    assert writing in engine.step().tokens


def test_drafts_bring_several_tokens_at_once():
    engine, job = OtherEngine(SMALL, PLANS["drafts"]), Job("chat", 0.0, 100, 400)
    run(engine, [job])
    assert engine.counters.steps < 250
    assert job.written == 400


def test_memory_that_runs_out_takes_the_last_ones_place():
    engine = OtherEngine(replace(SMALL, blocks=200), Plan())
    jobs = [Job("reasoning", 0.0, 400, 1_500) for _ in range(4)]
    run(engine, jobs)
    assert all(job.written == job.output for job in jobs)
    assert max(job.due for job in jobs) > 400


def test_the_longest_unread_block_goes_first():
    blocks = Blocks(2)
    assert blocks.read("a")
    assert blocks.read("b")
    assert not blocks.read("c")
    blocks.leave(["a", "b"])
    assert blocks.known(["a", "b"]) == 2
    assert blocks.read("c")
    assert blocks.known(["a", "b"]) == 1
    assert blocks.usage == 0.5
