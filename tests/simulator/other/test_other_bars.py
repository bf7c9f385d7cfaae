"""The accounts before an engine, traffic and schedulers that nothing was tuned to, in short runs."""

import pytest

from gateway.metering.gpu.rules import Rules
from tests.simulator.drive import Outcome
from tests.simulator.other.scenarios import other_traffic, play_other
from tests.simulator.scenarios import bypassing, split

SECONDS = 180.0


def played(machine: str, plan: str, mix: str, load: float, seconds: float = SECONDS, **options) -> Outcome:
    jobs = other_traffic(machine, plan, mix, load, seconds)
    outcome = play_other(machine, plan, jobs, seconds, **options)
    assert outcome.booked_ns == outcome.provisioned_ns
    return outcome


@pytest.mark.parametrize(
    ("machine", "plan", "load"),
    [("8B on 1", "mixed", 0.15), ("8B on 1", "drafts", 0.6), ("70B on 4", "prompts first", 0.3)],
)
def test_every_route_pays_its_part(machine, plan, load):
    outcome = played(machine, plan, "company", load, seconds=300.0)  # costs are learned minute by minute
    assert outcome.worst <= 0.10, outcome.errors
    assert outcome.mean <= 0.05, outcome.errors
    assert outcome.kinds.get("foreign", 0.0) <= 0.02 * outcome.busy


def test_an_engine_that_is_behind_with_long_prompts():
    outcome = played("8B on 1", "prompts first", "office", 0.6)
    assert outcome.worst <= 0.15, outcome.errors  # 34% where prompts are learned of when they are counted
    assert outcome.mean <= 0.10, outcome.errors


@pytest.mark.parametrize("mix", ["tools", "coders"])
def test_mixes_unlike_any_other(mix):
    outcome = played("8B on 1", "mixed", mix, 0.4)
    assert outcome.worst <= 0.05, (
        outcome.errors
    )  # 11% where short answers pay for steps that others took alone


def test_traffic_that_goes_round_the_gateway_is_foreign():
    outcome = played("8B on 1", "small chunks", "talk", 0.3, alter=bypassing(0.2))
    assert abs(outcome.kinds["foreign"] - outcome.bypassing) <= 0.02 * outcome.busy


@pytest.mark.parametrize(
    ("machine", "plan", "mix"), [("70B on 4", "mixed", "tools"), ("8B on 1", "drafts", "company")]
)
def test_two_gateways_book_what_one_would(machine, plan, mix):
    one = played(machine, plan, mix, 0.5)
    two = played(machine, plan, mix, 0.5, alter=split(2), gateways=2, rules=Rules.in_company())
    for route, booked in one.booked.items():
        assert two.booked[route] == pytest.approx(booked, rel=0.01), route
