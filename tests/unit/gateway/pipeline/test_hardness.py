"""Rolling thresholds: where they begin, what moves them, what a reload keeps, and when drift is told."""

from random import Random

import pytest

from gateway.app.build import shipped_scorer
from gateway.pipeline.hardness import Hardness
from routers.complexity.scorer import Scorer
from routers.complexity.window import ENOUGH, SIZE
from routers.policy.conditions import All, Hardest, OneOf, Within
from routers.policy.facts import Model, Zone
from routers.policy.policy import Decision, Policy, Route

MODEL = Model("m", "gpu", "m", Zone("home", inside=True), ("http://10.0.0.1",))
WEIGHED = Decision("hard", (), weighed=("hard",))
OTHER = Decision("everyday", ())


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return shipped_scorer()


def policy(*routes: Route) -> Policy:
    return Policy({"m": MODEL}, (), [*routes, Route("everyday", ("m",))], {"auto": "routed"}, digest="0")


def hard(share: float, *more: OneOf) -> Policy:
    return policy(Route("hard", ("m",), when=All((Hardest(share), *more))))


def hardness(scorer: Scorer, of: Policy) -> Hardness:
    return Hardness(of, scorer, shipped=True)


def test_it_begins_at_the_calibrations_quantile(scorer: Scorer) -> None:
    at = hardness(scorer, hard(0.3)).thresholds["hard"]
    assert sum(quantile >= at for quantile in scorer.quantiles) / len(scorer.quantiles) == pytest.approx(
        0.3, abs=0.02
    )


def test_traffic_moves_it_to_the_share(scorer: Scorer) -> None:
    kept, draw, strong = hardness(scorer, hard(0.3)), Random(1), 0  # noqa: S311  # traffic, not secrets
    for at in range(3 * SIZE):
        score = draw.betavariate(8, 2)
        strong += at >= SIZE and score >= kept.thresholds["hard"]
        kept.took(WEIGHED, score, score)
    assert strong / (2 * SIZE) == pytest.approx(0.3, abs=0.04)


def test_only_what_the_threshold_decided_moves_it(scorer: Scorer) -> None:
    kept = hardness(scorer, hard(0.3))
    before = kept.thresholds["hard"]
    for _ in range(2 * ENOUGH):
        kept.took(OTHER, 0.99, 0.99)
    assert kept.thresholds["hard"] == before


def test_a_threshold_is_as_its_reason_prints_it(scorer: Scorer) -> None:
    kept, score = hardness(scorer, hard(0.5)), 0.12345678901
    for at in range(ENOUGH):
        kept.took(WEIGHED, *([score if at % 2 else 0.01 + at / 1000] * 2))
    threshold = kept.thresholds["hard"]
    assert threshold == float(f"{threshold:.6f}")
    assert 0 <= score - threshold < 1e-6


def test_a_reload_keeps_the_window_of_an_unchanged_rule(scorer: Scorer) -> None:
    before = hardness(scorer, hard(0.5))
    for at in range(100):
        before.took(WEIGHED, at / 100, at / 100)
    same, narrower, other = (
        hardness(scorer, of) for of in (hard(0.5), hard(0.1), hard(0.5, OneOf("tenant", frozenset("a"))))
    )
    start = other.thresholds["hard"]
    for each in (same, narrower, other):
        each.inherit(before)
    assert same.thresholds["hard"] == before.thresholds["hard"] == 0.5
    assert narrower.thresholds["hard"] == 0.9
    assert other.thresholds["hard"] == start


def test_drift_is_told_once_there_is_enough_and_only_where_scores_route(scorer: Scorer) -> None:
    kept = hardness(scorer, policy(Route("hard", ("m",), when=Within("complexity", 0.7))))
    assert kept.watches
    assert kept.drift() == {}
    for _ in range(ENOUGH):
        kept.took(OTHER, 0.99, 0.99)
    assert kept.drift()["shipped"] > 0.9
    assert not hardness(scorer, policy()).watches
