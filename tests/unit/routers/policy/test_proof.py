"""The proof finds every end there is, and a guarantee breaks on each that it forbids."""

from dataclasses import replace

import pytest

from routers.policy.conditions import HasAny, OneOf, Within
from routers.policy.permits import Boundary, Data, Only
from routers.policy.policy import Escalate, Route
from routers.policy.proof import OTHER, Guarantee, prove
from routers.sensitivity.label import Level

HOME = Boundary("stays-home", Only(inside=True), Data(at_least=Level.CONFIDENTIAL))
ROUTES = [
    Route("hard", ("large",), None, ("small",), Within("complexity", 0.7)),
    Route("everyday", ("small",)),
]
INSIDE = Guarantee("inside", Data(at_least=Level.CONFIDENTIAL), only=Only(inside=True))


def ends(proof, **kind):
    return {
        (end.route, end.model, end.after)
        for end in proof.ends
        if all(getattr(end.kind, name) == value for name, value in kind.items())
    }


def test_every_way_is_listed(policy_of):
    proof = prove(policy_of(ROUTES, [HOME]), {}, {})
    assert ends(proof, level=Level.INTERNAL, found="nothing") == {
        ("explicit", "small", 0),
        ("explicit", "tuned", 0),
        ("explicit", "large", 0),
        ("hard", "large", 0),
        ("hard", "small", 1),
        ("everyday", "small", 0),
    }
    assert ends(proof, level=Level.RESTRICTED, found="a failed detector") == {
        ("explicit", "small", 0),
        ("explicit", "tuned", 0),
        ("hard", "small", 0),
        ("everyday", "small", 0),
    }
    assert list(proof.broken([INSIDE])) == []


def test_a_draw_may_put_any_weighted_model_first(policy_of):
    proof = prove(policy_of([Route("all", ("small", "large", "tuned"), (95, 5, 0))]), {}, {})
    assert ends(proof, level=Level.PUBLIC, found="nothing") >= {
        ("all", "small", 0),
        ("all", "large", 0),
        ("all", "tuned", 2),
    }


def test_a_hole_is_found_with_its_way(policy_of):
    acme_may = replace(HOME, tenants=frozenset({"beta"}))
    proof = prove(policy_of(ROUTES, [acme_may]), {}, {})
    holes = {(guarantee.name, end.kind.tenant, end.model) for guarantee, end, _ in proof.broken([INSIDE])}
    assert holes == {("inside", OTHER, "large")}


def test_kinds_that_can_end_nowhere_are_listed(policy_of):
    nobody = Boundary("nobody", Only(zones=frozenset({"mars"})), Data(categories=frozenset({"SECRET"})))
    proof = prove(policy_of(ROUTES, [nobody]), {}, {"image": Level.INTERNAL})
    assert {kind.found for kind in proof.blocked} == {"SECRET", "a failed detector", "unread image"}


def test_no_label_is_lower_than_what_is_found_in_it(policy_of):
    proof = prove(policy_of(), {"HEALTH": Level.INTERNAL}, {"image": Level.CONFIDENTIAL})
    lowest = {}
    for end in proof.ends:
        lowest[end.kind.found] = min(end.kind.level, lowest.get(end.kind.found, Level.RESTRICTED))
    assert lowest["HEALTH"] == Level.INTERNAL
    assert lowest["GOV_ID"] == Level.RESTRICTED
    assert lowest["CONTACT"] == Level.CONFIDENTIAL
    assert lowest["unread image"] == Level.CONFIDENTIAL
    assert lowest["nothing"] == Level.PUBLIC


def test_routes_behind_any_condition_are_entered(policy_of):
    routes = [
        Route("doctor", ("tuned",), when=HasAny("category", frozenset({"HEALTH"}))),
        Route("german", ("large",), when=OneOf("language", frozenset({"de"}))),
        Route("named", ("large",), when=OneOf("model", frozenset({"gpt-4o"}))),
        Route("beta", ("large",), when=OneOf("tenant", frozenset({"beta"}))),
        Route("everyday", ("small",)),
    ]
    proof = prove(policy_of(routes), {}, {})
    assert {end.route for end in proof.ends} == {"doctor", "german", "named", "beta", "everyday", "explicit"}
    assert {end.kind.tenant for end in proof.ends if end.route == "beta"} == {"beta"}


def test_too_many_combinations_still_enter_each_route(policy_of, monkeypatch):
    monkeypatch.setattr("routers.policy.proof.MOST_KINDS", 1)
    assert {end.route for end in prove(policy_of(ROUTES), {}, {}).ends} == {"hard", "everyday", "explicit"}


@pytest.mark.parametrize(
    ("guarantee", "broken"),
    [
        (Guarantee("g", never=Only(inside=False)), {"large"}),
        (Guarantee("g", never=Only(trains_on_data=True)), set()),
        (Guarantee("g", never=Only(jurisdictions=frozenset({"US"}))), {"large"}),
        (Guarantee("g", never=Only(zones=frozenset({"home"}))), {"small", "tuned"}),
        (Guarantee("g", never=Only(certified=frozenset({"soc2"}))), set()),
        (Guarantee("g", only=Only(retention_at_most=0)), {"large"}),
        (Guarantee("g", tenants=frozenset({"nobody-else-names-it"}), only=Only(inside=True)), {"large"}),
        (Guarantee("g", workflows=frozenset({"hr"}), only=Only(inside=True)), {"large"}),
        (Guarantee("g", Data(types=frozenset({"US_SSN"})), only=Only(inside=True)), {"large"}),
        (Guarantee("g", Data(categories=frozenset({"HEALTH"})), only=Only(inside=True)), {"large"}),
    ],
)
def test_a_guarantee_breaks_on_what_it_forbids(policy_of, guarantee, broken):
    proof = prove(policy_of(ROUTES), {}, {}, [guarantee])
    assert {end.model for _, end, _ in proof.broken([guarantee])} == broken


def test_an_unknown_fact_may_be_what_must_never_be(policy_of, models):
    models["large"] = replace(models["large"], zone=replace(models["large"].zone, trains_on_data=None))
    guarantee = Guarantee("g", never=Only(trains_on_data=True))
    assert {end.model for _, end, _ in prove(policy_of(ROUTES), {}, {}).broken([guarantee])} == {"large"}


def test_where_an_answer_at_fault_escalates_is_an_end(policy_of):
    routes = [Route("everyday", ("small",), escalate=Escalate(("large",), frozenset({"empty"})))]
    proof = prove(policy_of(routes, [HOME]), {}, {})
    assert ("everyday", "large", 1) in ends(proof, level=Level.INTERNAL, found="nothing")
    assert ("everyday", "large", 1) not in ends(proof, level=Level.RESTRICTED, found="nothing")
    assert ("everyday", "large", 1) in ends(
        prove(policy_of(routes), {}, {}), level=Level.RESTRICTED, found="nothing"
    )


SOFT = replace(HOME, redacted=True)


def redacted_ends(proof, **kind):
    return {
        (end.model, end.redacted)
        for end in proof.ends
        if end.zone.outside and all(getattr(end.kind, name) == value for name, value in kind.items())
    }


def test_ends_that_are_reached_redacted_only_are_marked(policy_of):
    proof = prove(policy_of(ROUTES, [SOFT]), {}, {"image": Level.CONFIDENTIAL})
    assert redacted_ends(proof, level=Level.INTERNAL, found="nothing") == {("large", False)}
    assert redacted_ends(proof, level=Level.RESTRICTED, found="GOV_ID") == {("large", True)}
    assert redacted_ends(proof, level=Level.CONFIDENTIAL, found="CONTACT") == {("large", True)}
    for never in ("nothing", "MARKING", "unread image", "a failed detector"):
        assert redacted_ends(proof, level=Level.RESTRICTED, found=never) == set()


def test_a_boundary_that_does_not_yield_keeps_its_kinds_from_going_redacted(policy_of):
    phi = Boundary("phi", Only(inside=True), Data(categories=frozenset({"HEALTH"})))
    proof = prove(policy_of(ROUTES, [SOFT, phi]), {}, {})
    assert redacted_ends(proof, found="HEALTH") == set()
    assert redacted_ends(proof, found="SECRET") == {("large", True)}


def test_what_stays_may_have_a_lower_level_than_what_was_found_with_it(policy_of):
    soft = replace(SOFT, data=Data(at_least=Level.RESTRICTED))
    proof = prove(policy_of(ROUTES, [soft]), {}, {})
    assert redacted_ends(proof, level=Level.RESTRICTED, found="MARKING") == {("large", True)}


def test_a_guarantee_forbids_redacted_ends_unless_it_allows_them(policy_of):
    proof = prove(policy_of(ROUTES, [SOFT]), {}, {})
    assert {(end.model, end.redacted) for _, end, _ in proof.broken([INSIDE])} == {("large", True)}
    assert list(proof.broken([replace(INSIDE, redacted=True)])) == []
    everything = Guarantee("everything", only=Only(inside=True), redacted=True)
    assert {end.redacted for _, end, _ in proof.broken([everything])} == {False}
