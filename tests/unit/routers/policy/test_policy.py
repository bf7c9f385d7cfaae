"""Rules: order, weights, fallbacks, passing over, explicit names, and what a decision says about itself."""

from collections import Counter
from dataclasses import replace

import pytest

from routers.policy.conditions import Within
from routers.policy.permit import Permit
from routers.policy.permits import Boundary, Data, Dropped, Only
from routers.policy.policy import Escalate, Policy, Route, UnknownModel
from routers.sensitivity.label import Level

HARD = Route("hard", ("large",), None, ("small",), Within("complexity", 0.7))
EVERYDAY = Route("everyday", ("small",))
HOME = Boundary("stays-home", Only(inside=True), Data(at_least=Level.CONFIDENTIAL))


def names(decision):
    return [permit.model for permit in decision.targets]


def test_the_first_route_that_holds_decides(policy_of, request_like):
    policy = policy_of([HARD, EVERYDAY], [HOME])
    assert policy.decide(request_like(), 0.0).route == "everyday"
    decision = policy.decide(request_like(complexity=0.9), 0.0)
    assert (decision.route, names(decision)) == ("hard", ["large", "small"])
    assert decision.reasons == ("route hard: complexity at least 0.7",)


def test_what_boundaries_and_models_leave_alike_is_decided_once(policy_of, request_like):
    policy = policy_of([HARD, EVERYDAY], [HOME])
    first = policy.decide(request_like(complexity=0.9), 0.0)
    assert policy.decide(request_like(complexity=0.8), 0.0) is first
    assert policy.decide(request_like(complexity=0.8, level="restricted"), 0.0) is not first
    assert policy.decide(request_like(complexity=0.8), 0.0) is first


@pytest.mark.parametrize("escalates", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        {"prompt_tokens": 7990, "max_output_tokens": 11},
        {"prompt_tokens": 8001},
        {"needs": frozenset({"vision"})},
        {"day": 20},
        {"level": "restricted"},
        {"tenant": "beta"},
        {"failed": ("presidio",)},
    ],
    ids=str,
)
def test_what_was_decided_before_is_taken_for_nothing_else(models, request_like, change, escalates):
    models["tuned"] = replace(models["tuned"], retires=20)
    to = Escalate(("tuned",), frozenset({"empty"})) if escalates else None
    route = Route("all", ("large",) if escalates else ("tuned", "large"), escalate=to)
    beta = Boundary("beta", Only(inside=False), tenants=frozenset({"beta"}))

    def fresh():
        return Policy(models, [HOME, beta], [route, EVERYDAY], {"auto": "routed"}, digest="0123456789ab")

    def told(decision):
        escalations = [permit.model for permit in decision.escalations]
        return names(decision), escalations, decision.dropped, decision.passed_over, decision.reasons

    used = fresh()
    used.decide(request_like(), 0.0)
    changed = used.decide(request_like(**change), 0.0)
    assert told(changed) == told(fresh().decide(request_like(**change), 0.0))
    assert told(changed) != told(used.decide(request_like(), 0.0))


def test_a_draw_is_never_taken_for_another(policy_of, request_like):
    policy = policy_of([Route("all", ("small", "large"), (50, 50))])
    assert [names(policy.decide(request_like(), draw))[0] for draw in (0.0, 0.9, 0.0)] == [
        "small",
        "large",
        "small",
    ]


def test_boundaries_take_targets_away_and_the_decision_says_so(policy_of, request_like):
    decision = policy_of([HARD, EVERYDAY], [HOME]).decide(
        request_like(complexity=0.9, level="restricted"), 0.0
    )
    assert (decision.route, names(decision)) == ("hard", ["small"])
    assert decision.dropped == (Dropped("large", "boundary stays-home: zone cloud is outside", "stays-home"),)
    assert decision.reasons[1:] == ("boundary stays-home is in force",)
    assert decision.blocked_by == ()


def test_a_route_without_a_target_left_is_passed_over(policy_of, request_like):
    only_large = Route("hard", ("large",), when=Within("complexity", 0.7))
    decision = policy_of([only_large, EVERYDAY], [HOME]).decide(
        request_like(complexity=1, level="restricted"), 0.0
    )
    assert (decision.route, names(decision)) == ("everyday", ["small"])
    assert decision.passed_over == (
        ("hard", "no target is left (large: boundary stays-home: zone cloud is outside)"),
    )


def test_nothing_left_names_the_boundaries(policy_of, request_like):
    decision = policy_of([Route("all", ("large",))], [HOME]).decide(request_like(level="restricted"), 0.0)
    assert (decision.route, decision.targets, decision.blocked_by) == ("", (), ("stays-home",))


def test_nothing_able_is_nobodys_boundary(policy_of, request_like):
    decision = policy_of().decide(request_like(needs=frozenset({"audio"})), 0.0)
    assert (decision.targets, decision.blocked_by) == ((), ())
    assert [each.reason for each in decision.dropped] == ["it cannot do audio"]


def test_a_list_is_an_order(policy_of, request_like):
    policy = policy_of([Route("all", ("tuned", "small"), None, ("large", "tuned"))])
    assert {tuple(names(policy.decide(request_like(), draw / 10))) for draw in range(10)} == {
        ("tuned", "small", "large")
    }


def test_weights_are_kept_and_the_same_draw_sticks(policy_of, request_like):
    policy = policy_of([Route("all", ("small", "tuned", "large"), (60, 30, 10))])
    draws = [i / 1000 for i in range(1000)]
    first = Counter(names(policy.decide(request_like(), draw))[0] for draw in draws)
    assert first == {"small": 600, "tuned": 300, "large": 100}
    assert names(policy.decide(request_like(), 0.999)) == ["large", "small", "tuned"]
    assert names(policy.decide(request_like(), 0.65)) == ["tuned", "small", "large"]


def test_shares_keep_their_proportion_when_a_model_is_dropped_and_nobody_else_moves(policy_of, request_like):
    policy = policy_of([Route("all", ("large", "small", "tuned"), (50, 40, 10))], [HOME])
    draws = [i / 10_000 for i in range(10_000)]
    free = [names(policy.decide(request_like(), draw))[0] for draw in draws]
    kept = [names(policy.decide(request_like(level="restricted"), draw))[0] for draw in draws]
    assert Counter(kept) == {"small": 8000, "tuned": 2000}
    assert all(before == after for before, after in zip(free, kept, strict=True) if before != "large")


def test_a_weight_of_nothing_is_a_fallback_only(policy_of, request_like):
    policy = policy_of([Route("all", ("small", "large"), (0, 1))], [HOME])
    assert names(policy.decide(request_like(), 0.0)) == ["large", "small"]
    assert names(policy.decide(request_like(level="restricted"), 0.0)) == ["small"]


def test_a_named_model_is_that_model_alone_within_boundaries(policy_of, request_like):
    policy = policy_of(boundaries=[HOME])
    for asked in ("large", "best"):
        decision = policy.decide(request_like(model=asked), 0.0)
        assert (decision.route, names(decision)) == ("explicit", ["large"])
        refused = policy.decide(request_like(model=asked, level="restricted"), 0.0)
        assert (refused.route, names(refused), refused.blocked_by) == ("explicit", [], ("stays-home",))


@pytest.mark.parametrize("name", ["gpt-9", "routed", "", "small "])
def test_an_unknown_model_is_an_error(policy_of, request_like, name):
    with pytest.raises(UnknownModel) as caught:
        policy_of().decide(request_like(model=name), 0.0)
    assert caught.value.name == name


def test_a_permit_is_asked_anew(policy_of, request_like):
    before, after = policy_of(), policy_of(boundaries=[HOME])
    confidential = request_like(level="confidential")
    assert isinstance(before.permit(confidential, "large"), Permit)
    assert isinstance(after.permit(confidential, "large"), Dropped)
    assert after.permit(confidential, "gone") == Dropped("gone", "it is no longer in the policy")


def test_verdicts_cover_every_model(policy_of, request_like):
    verdicts = policy_of(boundaries=[HOME]).verdicts(request_like(level="restricted"))
    assert {name: isinstance(verdict, Permit) for name, verdict in verdicts.items()} == {
        "small": True,
        "tuned": True,
        "large": False,
    }


def test_a_tenant_sees_what_it_may_ever_use(policy_of):
    eu = Boundary("eu", Only(jurisdictions=frozenset({"EU"})), tenants=frozenset({"acme"}))
    policy = policy_of(boundaries=[eu, HOME])
    assert policy.visible_models("acme") == ("auto", "gpt-4o", "small", "tuned")
    assert policy.visible_models("beta") == ("auto", "gpt-4o", "best", "small", "tuned", "large")
