"""The learner finds what engines cost from busy time alone, and is kept sane by its first guess."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.facts import Coefficients
from gateway.metering.gpu.learning import EARLY, GROUP, SHORT, Learner, solve

TRUTH = Coefficients(step=0.01, prompt=5e-5, context=5e-8, attention=0.0)


def windows(number: int, *, noise: float = 0.0, constant: bool = False):
    """Busy seconds and counts, of traffic that changes twice a minute."""
    random = np.random.default_rng(4)
    steps, computed, context = 30.0, 5_000.0, 2e6
    for window in range(number):
        if not constant and window % 30 == 0:
            steps, computed = random.uniform(10, 60), random.uniform(0, 10_000)
            context = steps * random.uniform(5e4, 3e5)
        counted = Counted(steps=steps, computed=computed, generated=steps * 5, context=context)
        yield counted.work(TRUTH) * (1 + noise * random.normal()), counted


def taught(learner: Learner, seconds: Iterable[tuple[float, Counted]], *, first: int = 0) -> None:
    for window, (busy, counted) in enumerate(seconds, first):
        learner.add(window, busy, counted)


@pytest.mark.parametrize("wrong", [(1.4, 0.6, 1.0), (0.6, 1.4, 1.4), (1.4, 1.4, 0.6), (3.0, 1.0, 0.5)])
def test_ratios_are_learned_from_a_wrong_guess(wrong):
    step, prompt, context = wrong
    learner = Learner(Coefficients(TRUTH.step * step, TRUTH.prompt * prompt, TRUTH.context * context, 0.0))
    taught(learner, windows(40 * GROUP, noise=0.03))
    found = learner.coefficients
    assert found.prompt / found.step == pytest.approx(TRUTH.prompt / TRUTH.step, rel=0.1)
    assert found.context / found.step == pytest.approx(TRUTH.context / TRUTH.step, rel=0.2)


def test_traffic_that_never_varies_leaves_the_guessed_ratios():
    guess = Coefficients(TRUTH.step * 2, TRUTH.prompt * 2, TRUTH.context * 2, 0.0)
    learner = Learner(guess)
    taught(learner, windows(20 * GROUP, constant=True))
    assert learner.coefficients.step == pytest.approx(TRUTH.step, rel=0.01)
    assert learner.coefficients.prompt == pytest.approx(TRUTH.prompt, rel=0.01)


def test_what_was_learned_outlives_the_process():
    learner = Learner(Coefficients(TRUTH.step * 2, TRUTH.prompt, TRUTH.context, 0.0))
    taught(learner, windows(10 * GROUP))
    heir = Learner(learner.guess, learner.memory)
    assert heir.coefficients == learner.coefficients
    assert heir.memory == learner.memory


def test_windows_of_several_replicas_are_grouped_each_for_itself():
    learner = Learner(TRUTH)
    for number, (busy, counted) in enumerate(windows(2 * SHORT)):
        learner.add(number // 2, busy, counted, replica=number % 2)
    assert learner.groups == 0
    for busy, counted in windows(1):
        learner.add(SHORT, busy, counted, replica=0)
    assert learner.groups == 1


def test_the_first_groups_are_short():
    learner = Learner(TRUTH)
    taught(learner, windows((EARLY + 1) * SHORT))
    assert learner.groups == EARLY
    taught(learner, windows(2 * GROUP), first=(EARLY + 1) * SHORT)
    assert learner.groups == EARLY + 2


def test_gateways_that_began_apart_learn_the_same_from_the_same_windows():
    seconds = list(windows(12 * GROUP, noise=0.3))
    early, late = Learner(TRUTH), Learner(TRUTH)
    early.add(2 * GROUP - 1, 0.0002, Counted())  # it saw a moment more of the second before
    taught(early, seconds, first=2 * GROUP)
    taught(late, seconds, first=2 * GROUP)
    assert early.groups == late.groups > 11
    assert early.coefficients == late.coefficients


def test_idle_groups_teach_nothing():
    learner = Learner(TRUTH)
    taught(learner, ((0.001, Counted(steps=1)) for _ in range(4 * GROUP)))
    assert learner.groups == 0
    assert learner.coefficients == TRUTH


def test_coefficients_stay_positive_whatever_is_reported():
    learner = Learner(TRUTH)
    random = np.random.default_rng(1)
    for window in range(30 * GROUP):
        counted = Counted(
            steps=random.uniform(0, 60), computed=random.uniform(0, 1e5), context=random.uniform(0, 1e7)
        )
        learner.add(window, random.uniform(0, 1), counted)
    assert min(learner.coefficients.step, learner.coefficients.prompt, learner.coefficients.context) > 0


@given(st.lists(st.floats(-5, 5), min_size=9, max_size=9), st.lists(st.floats(-5, 5), min_size=3, max_size=3))
def test_systems_are_solved(entries, right):
    root = np.array(entries).reshape(3, 3)
    matrix = root @ root.T + np.eye(3)
    assert np.allclose(solve(matrix.tolist(), right), np.linalg.solve(matrix, np.array(right)), atol=1e-6)
