"""How far booked GPU time is from the truth, in short runs; `bench/gpu_time.py` runs the long ones."""

import pytest

from gateway.metering.gpu.rules import Rules
from tests.simulator.drive import Outcome
from tests.simulator.engine import Job
from tests.simulator.scenarios import bypassing, half_unstreamed, impatient, play, split, traffic, unstreamed

SECONDS = 120.0


def assert_fair(outcome: Outcome, worst: float, mean: float) -> None:
    assert outcome.booked_ns == outcome.provisioned_ns
    assert outcome.worst <= worst, outcome.errors
    assert outcome.mean <= mean, outcome.errors


@pytest.mark.parametrize("load", [0.3, 1.2])
@pytest.mark.parametrize("machine", ["8B on 1", "70B on 4"])
def test_every_route_pays_its_part(machine, load):
    outcome = play(machine, traffic(machine, "even", load, SECONDS), SECONDS)
    assert_fair(outcome, worst=0.10, mean=0.05)
    assert outcome.kinds.get("foreign", 0.0) <= 0.03 * outcome.busy


@pytest.mark.parametrize("wrong", [(0.6, 1.4, 1.4), (1.4, 0.6, 0.6)])
def test_a_guess_that_is_wrong_by_two_fifths(wrong):
    outcome = play("8B on 1", traffic("8B on 1", "even", 0.7, SECONDS), SECONDS, wrong=wrong)
    assert_fair(outcome, worst=0.25, mean=0.15)


def test_a_mix_never_seen_before():
    jobs = traffic("8B on 1", "chat", 0.5, SECONDS)
    for job in traffic("8B on 1", "agents", 0.8, SECONDS, seed=2):
        job.arrives += SECONDS
        job.session += "-later" if job.session else ""
        jobs.append(job)
    outcome = play("8B on 1", jobs, 2 * SECONDS, since=SECONDS)
    assert_fair(outcome, worst=0.15, mean=0.08)


def test_traffic_that_goes_round_the_gateway_is_foreign():
    outcome = play("8B on 1", traffic("8B on 1", "even", 1.0, SECONDS), SECONDS, alter=bypassing(0.2))
    assert outcome.booked_ns == outcome.provisioned_ns
    assert abs(outcome.kinds["foreign"] - outcome.bypassing) <= 0.02 * outcome.busy


def test_requests_that_were_preempted_pay_for_being_computed_anew():
    outcome = play("70B on 4", traffic("70B on 4", "agents", 1.1, 900.0), 900.0)
    assert_fair(outcome, worst=0.10, mean=0.05)  # two of 27 of a route were: 13% without


@pytest.mark.parametrize(
    ("machine", "mix", "load"),
    [("8B on 1", "even", 0.7), ("70B on 4", "agents", 0.7), ("70B on 4", "chat", 1.1)],
)
def test_two_gateways_book_what_one_would(machine, mix, load):
    def both_times() -> list[Job]:
        return traffic(machine, mix, load, 120.0)

    one = play(machine, both_times(), 120.0)
    two = play(machine, both_times(), 120.0, alter=split(2), gateways=2, rules=Rules.in_company())
    assert two.booked_ns == two.provisioned_ns
    assert sum(two.booked.values()) == pytest.approx(sum(one.booked.values()), rel=0.01)
    for route, booked in one.booked.items():
        assert two.booked[route] == pytest.approx(booked, rel=0.01), route


def test_clients_that_leave_pay_for_what_they_had():
    outcome = play("70B on 4", traffic("70B on 4", "even", 0.7, SECONDS), SECONDS, alter=impatient)
    assert_fair(outcome, worst=0.15, mean=0.08)


def test_answers_that_do_not_stream():
    jobs = traffic("8B on 1", "even", 0.7, SECONDS)
    outcome = play("8B on 1", jobs, SECONDS, alter=unstreamed("rag", "chat"))
    assert_fair(outcome, worst=0.10, mean=0.06)


def test_answers_that_wait_long_and_do_not_stream():
    jobs = traffic("8B on 1", "rag", 1.2, 200.0)
    outcome = play("8B on 1", jobs, 200.0, alter=half_unstreamed)
    assert_fair(outcome, worst=0.15, mean=0.08)  # 33% where they are taken to have been written all the time
    assert outcome.kinds.get("foreign", 0.0) <= 0.05 * outcome.busy


def test_an_engine_that_does_not_tell_cached_tokens():
    outcome = play("8B on 1", traffic("8B on 1", "even", 0.7, SECONDS), SECONDS, cached_told=False)
    assert_fair(outcome, worst=0.25, mean=0.12)
