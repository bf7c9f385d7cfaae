"""Rolling thresholds: where they begin, what moves them, what a reload keeps, and when drift is told."""

from random import Random

import pytest

from gateway.app.build import shipped_scorer
from gateway.cli.router_weights import shipped
from gateway.pipeline.hardness import Hardness
from routers.complexity.scorer import Scorer
from routers.complexity.weights import Weights
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


def test_another_process_goes_on_from_what_was_handed_in(scorer: Scorer) -> None:
    before = hardness(scorer, hard(0.5))
    for at in range(100):
        before.took(WEIGHED, at / 100, at / 100)
    kept = before.met()
    assert [len(scores) for scores in kept.values()] == [100]
    assert [len(scores) for scores in before.met().values()] == [0]

    after = hardness(scorer, hard(0.1))  # the share alone is another: the window is still the rule's
    after.took(WEIGHED, 0.995, 0.995)  # met since the hand-over began: not among what comes back
    assert after.met().keys() == kept.keys()
    after.took(WEIGHED, 0.996, 0.996)
    after.go_on(kept)
    assert after.thresholds["hard"] == 0.91
    assert [list(scores) for scores in after.met().values()] == [[0.996]]


def test_a_window_is_not_taken_for_that_of_another_rule_or_other_weights(scorer: Scorer) -> None:
    tenants = frozenset({"a", "b", "c"})
    one, narrower, wider, ordered = (
        hardness(scorer, of)
        for of in (
            hard(0.5),
            hard(0.5, OneOf("tenant", frozenset("a"))),
            hard(0.5, OneOf("tenant", tenants)),
            hard(0.4, OneOf("tenant", frozenset(sorted(tenants, reverse=True)))),
        )
    )
    other = Hardness(hard(0.5), Scorer(Weights.from_bytes(shipped()), "of other weights"), shipped=False)
    names = [next(iter(each.met())) for each in (one, narrower, wider, ordered, other)]
    assert len(set(names)) == 4
    assert names[2] == names[3]


def test_where_gateways_share_it_moves_when_it_is_told_of_all(scorer: Scorer) -> None:
    shared = Hardness(hard(0.5), scorer, shipped=True, shared=True)
    start = shared.thresholds["hard"]
    for at in range(100):
        shared.took(WEIGHED, at / 100, at / 100)
    assert shared.thresholds["hard"] == start
    (name,) = met = shared.met()
    shared.go_on({name: [0.9 + at / 1000 for at in range(100)]})
    assert shared.thresholds["hard"] == 0.95
    shared.follow(met)  # the store is away: its own from here on, after what it was last told
    assert shared.thresholds["hard"] == 0.909  # ten of its own hundred are above 0.9


def test_what_waits_to_be_handed_in_is_bounded(scorer: Scorer) -> None:
    kept = hardness(scorer, hard(0.5))
    for _ in range(11 * SIZE):
        kept.took(WEIGHED, 0.5, 0.5)
    assert [len(scores) for scores in kept.met().values()] == [10 * SIZE]
