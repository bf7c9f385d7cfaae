"""No policy, however odd, ever lets a request end where a boundary forbids it: random policies against an oracle.

The oracle below is written from the policy's description alone and shares no code with the boundaries.
"""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routers.policy.conditions import ALWAYS, AnyOf, HasAny, Is, Not, OneOf, Within
from routers.policy.facts import Model, Zone
from routers.policy.permit import Permit, is_genuine
from routers.policy.permits import Boundary, Data, Only
from routers.policy.policy import Escalate, Policy, Route
from routers.policy.proof import prove
from routers.sensitivity.label import Label, Level
from routers.sensitivity.redaction import least
from routers.signals import Signals

LEVELS = st.sampled_from(Level)
CATEGORIES = st.frozensets(st.sampled_from(["HEALTH", "SECRET", "CONTACT"]), max_size=2)
SOME_CATEGORIES = st.frozensets(st.sampled_from(["HEALTH", "SECRET", "CONTACT"]), min_size=1, max_size=2)
SOME_TYPES = st.frozensets(st.sampled_from(["US_SSN", "API_KEY"]), min_size=1)
TENANTS = st.sampled_from(["acme", "beta", "gamma"])
ABILITIES = st.frozensets(st.sampled_from(["tools", "vision"]))


def maybe(strategy):
    return st.none() | strategy


@st.composite
def zones(draw):
    return [
        Zone(
            f"zone-{i}",
            draw(st.booleans()),
            draw(maybe(st.sampled_from(["EU", "US"]))),
            draw(maybe(st.sampled_from([0, 7, 30]))),
            draw(maybe(st.booleans())),
            draw(st.frozensets(st.sampled_from(["soc2", "hipaa"]))),
        )
        for i in range(draw(st.integers(1, 3)))
    ]


ONLIES = st.builds(
    Only,
    zones=maybe(st.frozensets(st.sampled_from(["zone-0", "zone-1"]), min_size=1)),
    inside=maybe(st.booleans()),
    jurisdictions=maybe(st.frozensets(st.sampled_from(["EU", "US"]), min_size=1)),
    certified=st.frozensets(st.sampled_from(["soc2", "hipaa"])),
    retention_at_most=maybe(st.sampled_from([0, 10])),
    trains_on_data=maybe(st.booleans()),
)
DATA = st.builds(Data, at_least=maybe(LEVELS), categories=maybe(SOME_CATEGORIES), types=maybe(SOME_TYPES))
BOUNDARIES = st.builds(
    Boundary,
    name=st.sampled_from(["one", "two", "three"]),
    only=ONLIES,
    data=maybe(DATA),
    tenants=maybe(st.frozensets(TENANTS, min_size=1)),
    workflows=maybe(st.frozensets(st.sampled_from(["invoices", "support"]), min_size=1)),
    redacted=st.booleans(),
)
CONDITIONS = st.recursive(
    st.just(ALWAYS)
    | st.builds(Within, st.just("complexity"), maybe(st.sampled_from([0.3, 0.7])), st.none())
    | st.builds(OneOf, st.just("tenant"), st.frozensets(TENANTS, min_size=1))
    | st.builds(HasAny, st.just("category"), SOME_CATEGORIES)
    | st.builds(Is, st.just("tools"), st.booleans()),
    lambda inner: st.builds(Not, inner) | st.builds(AnyOf, st.tuples(inner, inner)),
    max_leaves=4,
)


@st.composite
def policies(draw):
    stands = draw(zones())
    models = {
        f"model-{i}": Model(
            f"model-{i}",
            "backend",
            f"upstream-{i}",
            draw(st.sampled_from(stands)),
            (f"http://127.0.0.1:{8000 + i}",),
            draw(maybe(st.sampled_from([100, 1000]))),
            draw(ABILITIES),
            draw(maybe(st.sampled_from([10, 20]))),
        )
        for i in range(draw(st.integers(1, 4)))
    }
    names = st.lists(st.sampled_from(sorted(models)), min_size=1, max_size=3, unique=True).map(tuple)
    routes = []
    for i in range(draw(st.integers(1, 3))):
        use = draw(names)
        weights = draw(maybe(st.tuples(*[st.sampled_from([0.0, 1.0, 5.0])] * len(use))))
        weights = weights if weights and sum(weights) else None
        routes.append(Route(f"route-{i}", use, weights, draw(st.just(()) | names), draw(CONDITIONS)))
    return Policy(
        models,
        draw(st.lists(BOUNDARIES, max_size=3)),
        routes,
        {"auto": "routed", "pinned": "model-0"},
        digest="0123456789ab",
        air_gapped=draw(st.booleans()),
        harmless=draw(st.frozensets(st.sampled_from(["image", "audio"]))),
    )


LABELS = st.builds(
    Label,
    level=LEVELS,
    types=st.dictionaries(st.sampled_from(["US_SSN", "API_KEY"]), st.just(1), max_size=1),
    categories=CATEGORIES,
    unscanned=st.lists(st.sampled_from(["image", "audio", "file"]), max_size=2).map(tuple),
    failed=st.lists(st.just("presidio"), max_size=1).map(tuple),
)
REQUESTS = st.builds(
    Signals,
    label=LABELS,
    complexity=st.sampled_from([0.0, 0.5, 0.9]),
    kind=st.just("chat"),
    language=st.just("en"),
    prompt_tokens=st.sampled_from([1, 90, 5000]),
    max_output_tokens=maybe(st.sampled_from([20, 2000])),
    modality=st.just(frozenset({"text"})),
    needs=ABILITIES,
    tools=st.booleans(),
    stream=st.booleans(),
    tenant=TENANTS,
    workflow=st.sampled_from(["", "invoices", "support"]),
    model=st.sampled_from(["auto", "pinned", "model-0"]),
    day=st.sampled_from([0, 5, 15, 25]),
)


def forbidden(policy: Policy, boundary: Boundary, signals: Signals, model: Model, *, harmless) -> bool:
    """The oracle: whether this boundary keeps this request from this model."""
    label, zone = signals.label, model.zone
    spoken_of = (not boundary.tenants or signals.tenant in boundary.tenants) and (
        not boundary.workflows or signals.workflow in boundary.workflows
    )
    if boundary.data is not None and not label.failed:
        anything = any(kind not in harmless for kind in label.unscanned)
        level = boundary.data.at_least
        spoken_of = spoken_of and (level is None or label.level >= level)
        for asked, has in ((boundary.data.categories, label.categories), (boundary.data.types, label.types)):
            spoken_of = spoken_of and (asked is None or anything or any(name in has for name in asked))
    only = boundary.only
    fits = [
        only.zones is None or zone.name in only.zones,
        only.inside is None or only.inside == zone.inside,
        only.jurisdictions is None
        or (zone.jurisdiction is not None and zone.jurisdiction in only.jurisdictions),
        all(name in zone.certified for name in only.certified),
        only.retention_at_most is None
        or (zone.retention_days is not None and zone.retention_days <= only.retention_at_most),
        only.trains_on_data is None
        or (zone.trains_on_data is not None and zone.trains_on_data == only.trains_on_data),
    ]
    return spoken_of and not all(fits)


def broken(policy: Policy, signals: Signals, permit: Permit) -> list[str]:
    """What is wrong with this permit for this request, by the oracle."""
    model = policy.models[permit.model]
    harmless = policy._permits._harmless
    wrong = [
        each.name for each in policy.boundaries if forbidden(policy, each, signals, model, harmless=harmless)
    ]
    if policy._permits._boundaries[:1] and policy._permits._boundaries[0][0].name == "air_gapped":
        wrong += ["air gap"] if not model.zone.inside else []
    if any(need not in model.can for need in signals.needs):
        wrong.append("needs")
    if model.context is not None and signals.prompt_tokens + (signals.max_output_tokens or 0) > model.context:
        wrong.append("context")
    if model.retires is not None and signals.day >= model.retires:
        wrong.append("retired")
    return wrong


@settings(max_examples=200, deadline=None)
@given(policies(), REQUESTS, st.floats(0, 1, exclude_max=True))
def test_no_decision_holds_a_target_that_a_boundary_forbids(policy, signals, draw):
    decision = policy.decide(signals, draw)
    for permit in decision.targets:
        assert is_genuine(permit)
        assert broken(policy, signals, permit) == []
    if not decision.targets and decision.blocked_by:
        assert set(decision.blocked_by) <= {each.name for each in policy.boundaries} | {"air_gapped"}


@settings(max_examples=200, deadline=None)
@given(policies(), REQUESTS)
def test_permits_are_granted_exactly_where_nothing_forbids(policy, signals):
    for name, model in policy.models.items():
        verdict = policy.permit(signals, name)
        probe = next(
            (each for each in [verdict] if isinstance(each, Permit)),
            None,
        )
        if probe is not None:
            assert broken(policy, signals, probe) == []
            assert probe.replicas == model.replicas
        else:
            stand_in = type("Named", (), {"model": name})()
            assert broken(policy, signals, stand_in) != []


@settings(max_examples=300, deadline=None)
@given(policies(), REQUESTS, LABELS)
def test_the_redacted_form_goes_exactly_where_nothing_forbids_it(policy, signals, redacted):
    after = replace(signals, label=redacted)
    firm = Policy(
        policy.models, [each for each in policy.boundaries if not each.redacted], policy.routes, policy.aliases,
        digest="0123456789ab", harmless=policy._permits._harmless,
        air_gapped=policy._permits._boundaries[:1] != () and policy._permits._boundaries[0][0].name == "air_gapped",
    )  # fmt: skip
    doubt = signals.label.failed or signals.label.unscanned
    for name in policy.models:
        verdict = policy.permit(signals, name, redacted)
        named = type("Named", (), {"model": name})()
        if broken(policy, signals, named) == []:
            assert isinstance(verdict, Permit)
            assert not verdict.redacted
        elif doubt or broken(firm, signals, named) or broken(policy, after, named):
            assert not isinstance(verdict, Permit)
        else:
            assert isinstance(verdict, Permit)
            assert verdict.redacted


@settings(max_examples=200, deadline=None)
@given(policies(), REQUESTS, LEVELS, st.floats(0, 1, exclude_max=True))
def test_raising_a_label_never_opens_a_way(policy, signals, level, draw):
    raised = replace(signals, label=replace(signals.label, level=max(level, signals.label.level)))
    for name in policy.models:
        if isinstance(policy.permit(raised, name), Permit):
            assert isinstance(policy.permit(signals, name), Permit)


@settings(max_examples=200, deadline=None)
@given(policies(), REQUESTS, SOME_CATEGORIES, st.sampled_from(["failed", "unscanned", "found"]))
def test_a_doubt_or_a_further_finding_never_opens_a_way(policy, signals, more, how):
    label = signals.label
    doubtful = {
        "failed": replace(label, failed=("presidio",)),
        "unscanned": replace(label, unscanned=(*label.unscanned, "file")),
        "found": replace(label, categories=label.categories | more),
    }[how]
    for name in policy.models:
        if isinstance(policy.permit(replace(signals, label=doubtful), name), Permit):
            assert isinstance(policy.permit(signals, name), Permit)


@settings(max_examples=50, deadline=None)
@given(policies(), REQUESTS, st.floats(0, 1, exclude_max=True), LEVELS)
def test_every_decision_ends_where_the_proof_says(policy, signals, draw, left):
    """Whatever else a request holds, its targets are among the ends of its kind."""
    label = Label(signals.label.level, categories=frozenset(sorted(signals.label.categories)[:1]))
    signals = replace(signals, label=label)
    proof = prove(policy, dict.fromkeys(("HEALTH", "SECRET", "CONTACT"), Level.PUBLIC), {})
    found = next(iter(label.categories), "nothing")
    tenants = {end.kind.tenant for end in proof.ends} | {kind.tenant for kind in proof.blocked}
    workflows = {end.kind.workflow for end in proof.ends} | {kind.workflow for kind in proof.blocked}
    tenant = signals.tenant if signals.tenant in tenants else "(other)"
    workflow = signals.workflow if signals.workflow in workflows else "(other)"
    ends = {
        (end.model, end.redacted)
        for end in proof.ends
        if (end.kind.level, end.kind.found, end.kind.tenant, end.kind.workflow)
        == (label.level, found, tenant, workflow)
    }
    least_left = least(label, dict.fromkeys(("HEALTH", "SECRET", "CONTACT"), Level.PUBLIC))
    redacted = replace(least_left, level=max(left, least_left.level))
    targets = policy.decide(signals, draw, redacted).targets
    assert {(permit.model, permit.redacted) for permit in targets} <= ends


@st.composite
def variations(draw):
    """Requests that differ in what a remembered decision must not be taken for."""
    first = draw(REQUESTS)
    changes = {
        "label": LABELS,
        "needs": ABILITIES,
        "prompt_tokens": st.sampled_from([1, 90, 5000]),
        "max_output_tokens": maybe(st.sampled_from([20, 2000])),
        "day": st.sampled_from([0, 5, 15, 25]),
    }
    further = st.one_of(
        [st.builds(replace, st.just(first), **{name: values}) for name, values in changes.items()]
    )
    requests = [first, *draw(st.lists(further, min_size=2, max_size=6))]
    return [(each, draw(st.sampled_from([0.0, 0.6]))) for each in requests]


@given(policies(), st.booleans(), variations())
def test_a_decision_made_before_is_the_one_that_would_be_made_now(policy, escalates, asked):
    to = Escalate(tuple(sorted(policy.models)), frozenset({"empty"})) if escalates else None
    routes = [replace(route, escalate=to) for route in policy.routes]

    def fresh():
        return Policy(policy.models, policy.boundaries, routes, policy.aliases, digest=policy.hash)

    def found(decision):
        return replace(decision, targets=models(decision.targets), escalations=models(decision.escalations))

    def models(permits):
        return tuple((permit.model, permit.redacted) for permit in permits)

    used = fresh()
    for signals, draw in asked * 2:
        assert found(used.decide(signals, draw)) == found(fresh().decide(signals, draw))


@pytest.mark.parametrize("level", list(Level))
def test_the_oracle_itself_can_say_no(level):
    """A property that cannot fail proves nothing: without its boundaries, this policy breaks the oracle."""
    outside = Model("far", "b", "far", Zone("far", inside=False), ("https://far.example",))
    home = Boundary("home", Only(inside=True), Data(at_least=level))
    lax = Policy({"far": outside}, [], [Route("all", ("far",))], {"auto": "routed"}, digest="x")
    strict = Policy({"far": outside}, [home], [Route("all", ("far",))], {"auto": "routed"}, digest="x")
    signals = Signals(
        Label(level), 0, "chat", "en", 1, None, frozenset(), frozenset(), False, False, "t", "", "auto"
    )
    (permit,) = lax.decide(signals, 0.0).targets
    assert broken(strict, signals, permit) == ["home"]
    assert strict.decide(signals, 0.0).targets == ()
    assert strict.decide(signals, 0.0).blocked_by == ("home",)
