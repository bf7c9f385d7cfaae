"""A route's hardest share: the threshold is handed in, the decision says what it did, and proofs see both sides."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routers.policy.conditions import (
    ALWAYS,
    NEVER,
    All,
    AnyOf,
    Hardest,
    Not,
    OneOf,
    Within,
    assumed,
    described,
)
from routers.policy.policy import Route
from routers.policy.proof import prove
from routers.policy.reachability import unreachable
from routers.policy.reasoning import implies, impossible

HARD = Route("hard", ("large",), when=Hardest(0.3))
EVERYDAY = Route("everyday", ("small",))
MATHS = OneOf("kind", frozenset({"maths"}))


def test_the_threshold_in_force_decides_and_is_named(policy_of, request_like):
    policy = policy_of([HARD, EVERYDAY])
    assert policy.shares == {"hard": 0.3}
    decision = policy.decide(request_like(complexity=0.62), 0.0, {"hard": 0.5813})
    assert (decision.route, decision.weighed) == ("hard", ("hard",))
    assert decision.reasons == (
        "route hard: complexity among the hardest 30%",
        "complexity 0.62 is among the hardest 30% for route hard, from 0.581300 on",
    )
    decision = policy.decide(request_like(complexity=0.58), 0.0, {"hard": 0.5813})
    assert (decision.route, decision.weighed) == ("everyday", ("hard",))
    assert (
        decision.reasons[1] == "complexity 0.58 is not among the hardest 30% for route hard, from 0.581300 on"
    )


def test_where_another_condition_settles_it_nothing_is_weighed(policy_of, request_like):
    policy = policy_of([Route("hard", ("large",), when=All((MATHS, Hardest(0.3)))), EVERYDAY])
    decision = policy.decide(request_like(complexity=0.99), 0.0, {"hard": 0.5})
    assert (decision.route, decision.weighed, len(decision.reasons)) == ("everyday", (), 1)
    decision = policy.decide(request_like(complexity=0.99, kind="maths"), 0.0, {"hard": 0.5})
    assert (decision.route, decision.weighed) == ("hard", ("hard",))


def test_the_easiest_can_be_asked_for(policy_of, request_like):
    policy = policy_of([Route("easy", ("tuned",), when=Not(Hardest(0.2))), EVERYDAY])
    assert policy.decide(request_like(complexity=0.1), 0.0, {"easy": 0.5}).route == "easy"
    assert policy.decide(request_like(complexity=0.5), 0.0, {"easy": 0.5}).route == "everyday"


def test_a_policy_without_shares_wants_no_thresholds(policy_of, request_like):
    policy = policy_of([Route("hard", ("large",), when=Within("complexity", 0.7)), EVERYDAY])
    assert policy.shares == {}
    assert policy.decide(request_like(complexity=0.9), 0.0).weighed == ()
    with pytest.raises(KeyError):
        policy_of([HARD, EVERYDAY]).decide(request_like(), 0.0)


@given(st.integers(0, 2**32))
def test_a_condition_is_what_it_is_assumed_to_be(seed):
    condition = made(Random(seed), 3)  # noqa: S311  # test data, not secrets
    assert Hardest(0.3) not in flat(assumed(condition, hardest=True))
    assert all("hardest" in described(atom) for atom in flat(condition) if isinstance(atom, Hardest))


def made(draw, depth):
    match draw.randrange(5) if depth else 3 + draw.randrange(2):
        case 0:
            return All(tuple(made(draw, depth - 1) for _ in range(draw.randrange(3))))
        case 1:
            return AnyOf(tuple(made(draw, depth - 1) for _ in range(draw.randrange(3))))
        case 2:
            return Not(made(draw, depth - 1))
        case 3:
            return Hardest(0.3)
    return MATHS


def flat(condition):
    match condition:
        case All(parts) | AnyOf(parts):
            return [atom for part in parts for atom in flat(part)]
        case Not(part):
            return flat(part)
    return [condition]


def test_nothing_follows_from_one_routes_window_for_another(models):
    assert assumed(Hardest(0.1), hardest=True) == ALWAYS
    assert assumed(Hardest(0.1), hardest=False) == NEVER
    assert not implies(Hardest(0.3), Hardest(0.3))
    assert not implies(Hardest(0.3), Within("complexity", 0.1))
    assert implies(All((Hardest(0.3), MATHS)), MATHS)
    assert impossible(All((Hardest(0.3), Not(Hardest(0.3)))))
    twice = [HARD, Route("next", ("tuned",), when=Hardest(0.3)), EVERYDAY]
    assert list(unreachable(twice, models, ())) == []


def test_the_proof_reaches_both_sides_of_every_threshold(policy_of):
    routes = [
        HARD,
        Route("rather", ("tuned",), when=All((Hardest(0.5), Within("complexity", 0.4)))),
        EVERYDAY,
    ]
    found = {(end.route, end.model) for end in prove(policy_of(routes), {}, {}).ends}
    assert {("hard", "large"), ("rather", "tuned"), ("everyday", "small")} <= found
    many = [Route(f"r{i}", ("large",), when=Hardest(0.1)) for i in range(16)]
    found = {end.route for end in prove(policy_of([*many, EVERYDAY]), {}, {}).ends}
    assert found >= {"everyday", *(route.name for route in many)}
