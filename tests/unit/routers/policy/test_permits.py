"""The seal on permits, each term of a boundary, and every way a model is dropped."""

import ast
import copy
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from routers.policy.facts import Zone
from routers.policy.permit import Permit, is_genuine
from routers.policy.permits import Boundary, Data, Dropped, Only
from routers.policy.policy import Policy
from routers.sensitivity.label import Label, Level

CLOUD = Zone("cloud", inside=False)
ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def permit(policy_of, request_like) -> Permit:
    granted = policy_of().permit(request_like(), "small")
    assert isinstance(granted, Permit)
    return granted


def test_a_permit_says_where_it_leads(permit):
    assert (permit.model, permit.backend, permit.upstream) == ("small", "gpu", "org/small")
    assert (permit.zone.name, permit.replicas, permit.policy) == (
        "home",
        ("http://10.0.0.1:8000",),
        "0123456789ab",
    )
    assert "small" in repr(permit)


def test_nobody_else_can_make_one(permit, models):
    with pytest.raises(TypeError, match="granted by the policy"):
        Permit(object(), models["large"], "0123456789ab")
    with pytest.raises(TypeError):
        Permit()  # type: ignore[call-arg]  # that is the point
    with pytest.raises(TypeError, match="no subclasses"):
        type("Mine", (Permit,), {})


def test_one_cannot_be_turned_into_another(permit, models):
    for name in ("_facts", "policy", "anything"):
        with pytest.raises(AttributeError, match="does not change"):
            setattr(permit, name, models["large"])
        with pytest.raises(AttributeError, match="does not change"):
            delattr(permit, name)
    with pytest.raises(TypeError):
        replace(permit, policy="other")


def test_copies_are_the_same_and_nothing_travels(permit):
    assert copy.copy(permit) is permit
    assert copy.deepcopy(permit) is permit
    assert copy.deepcopy([permit])[0] is permit
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="does not travel"):
            pickle.dumps(permit, protocol=protocol)


def test_an_object_that_only_looks_like_one_is_not_genuine(permit, models):
    assert is_genuine(permit)
    forged = object.__new__(Permit)
    object.__setattr__(forged, "_facts", models["large"])
    object.__setattr__(forged, "policy", "0123456789ab")
    assert not is_genuine(forged)
    assert not is_genuine(models["small"])


GRANTS = {  # who may construct what a permit can come from
    "Permit": "routers/policy/permit.py",
    "Grant": "routers/policy/permit.py",
    "granted": "routers/policy/permits.py",
    "Passage": "routers/policy/permits.py",
    "Permits": "routers/policy/policy.py",
    "Policy": "gateway/configuration/snapshot.py",
}


SEALS = {"_SEAL", "_SEAL_REDACTED"}


def _constructed(tree: ast.AST) -> set[str]:
    """Which of those a module constructs; `_SEAL` if it takes the seal out of its module."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            handed = {arg.id for arg in node.args if isinstance(arg, ast.Name)}
            found |= {name} & GRANTS.keys()
            found |= handed & GRANTS.keys() if name in {"__new__", "replace", "partial"} else set()
        if isinstance(node, ast.ImportFrom):
            found |= SEALS & {alias.name for alias in node.names}
        if isinstance(node, ast.Attribute):
            found |= SEALS & {node.attr}
    return found


def test_no_other_module_even_tries():
    modules = [file for room in ("gateway", "routers", "adapters") for file in (ROOT / room).rglob("*.py")]
    makers: dict[str, set[str]] = {}
    for file in modules:
        for name in _constructed(ast.parse(file.read_text())):
            makers.setdefault(name, set()).add(str(file.relative_to(ROOT)))
    assert makers == {name: {file} for name, file in GRANTS.items()}


ZONE = Zone(
    "lab",
    inside=False,
    jurisdiction="CH",
    retention_days=7,
    trains_on_data=False,
    certified=frozenset({"soc2"}),
)
BLANK = Zone("blank", inside=False)


@pytest.mark.parametrize(
    ("only", "refusal", "refusal_of_blank"),
    [
        (Only(inside=True), "zone lab is outside", "zone blank is outside"),
        (Only(inside=False), None, None),
        (Only(zones=frozenset({"lab"})), None, "zone blank is not among those allowed"),
        (Only(jurisdictions=frozenset({"CH", "EU"})), None, "the jurisdiction of blank is unknown"),
        (
            Only(jurisdictions=frozenset({"EU"})),
            "the jurisdiction of lab is CH",
            "the jurisdiction of blank is unknown",
        ),
        (Only(certified=frozenset({"soc2"})), None, "zone blank lacks soc2"),
        (
            Only(certified=frozenset({"soc2", "hipaa"})),
            "zone lab lacks hipaa",
            "zone blank lacks hipaa, soc2",
        ),
        (Only(retention_at_most=7), None, "how long blank retains data is unknown"),
        (
            Only(retention_at_most=0),
            "zone lab retains data for 7 days",
            "how long blank retains data is unknown",
        ),
        (Only(trains_on_data=False), None, "zone blank may train on data"),
        (Only(trains_on_data=True), "zone lab does not train on data", "zone blank may train on data"),
    ],
)
def test_a_zone_must_be_what_a_boundary_asks_and_an_unknown_fact_is_not(only, refusal, refusal_of_blank):
    assert only.refusal(ZONE) == refusal
    assert only.refusal(BLANK) == refusal_of_blank


@pytest.mark.parametrize(
    ("boundary", "request_", "kept"),
    [
        (Boundary("b", Only(inside=True)), {}, True),
        (Boundary("b", Only(inside=True), Data(at_least=Level.CONFIDENTIAL)), {"level": "internal"}, False),
        (
            Boundary("b", Only(inside=True), Data(at_least=Level.CONFIDENTIAL)),
            {"level": "confidential"},
            True,
        ),
        (Boundary("b", Only(inside=True), Data(categories=frozenset({"HEALTH"}))), {}, False),
        (
            Boundary("b", Only(inside=True), Data(categories=frozenset({"HEALTH"}))),
            {"categories": frozenset({"HEALTH"})},
            True,
        ),
        (Boundary("b", Only(inside=True), Data(types=frozenset({"JWT"}))), {"types": {"JWT": 1}}, True),
        (Boundary("b", Only(inside=True), Data(types=frozenset({"JWT"}))), {"types": {"US_SSN": 1}}, False),
        (Boundary("b", Only(inside=True), tenants=frozenset({"acme"})), {"tenant": "acme"}, True),
        (Boundary("b", Only(inside=True), tenants=frozenset({"acme"})), {"tenant": "beta"}, False),
        (Boundary("b", Only(inside=True), workflows=frozenset({"hr"})), {"workflow": "hr"}, True),
        (Boundary("b", Only(inside=True), workflows=frozenset({"hr"})), {"workflow": ""}, False),
    ],
)
def test_a_boundary_is_in_force_for_whom_it_speaks_of(policy_of, request_like, boundary, request_, kept):
    verdict = policy_of(boundaries=[boundary]).permit(request_like(**request_), "large")
    assert isinstance(verdict, Dropped) is kept
    if kept:
        assert verdict.boundary == "b"
        assert verdict.reason == "boundary b: zone cloud is outside"


HEALTH = Boundary("phi", Only(inside=True), Data(categories=frozenset({"HEALTH"})))


@pytest.mark.parametrize(
    ("label", "kept"),
    [
        ({"failed": ("presidio",)}, True),  # whatever the level says
        ({"failed": ("presidio",), "level": "public"}, True),
        ({"unscanned": ("image",)}, True),  # it may hold anything
        ({"unscanned": ("audio",)}, False),  # the policy vouches for it
        ({"unscanned": ("audio", "image")}, True),
        ({}, False),
    ],
)
def test_a_label_nobody_can_vouch_for_fails_closed(policy_of, request_like, label, kept):
    policy: Policy = policy_of(boundaries=[HEALTH], harmless=frozenset({"audio"}))
    assert isinstance(policy.permit(request_like(**label), "large"), Dropped) is kept


def test_an_air_gap_refuses_whatever_is_outside(policy_of, request_like):
    policy = policy_of(air_gapped=True)
    verdict = policy.permit(request_like(level="public"), "large")
    assert isinstance(verdict, Dropped)
    assert verdict.boundary == "air_gapped"
    assert isinstance(policy.permit(request_like(), "small"), Permit)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"needs": frozenset({"vision", "tools"})}, "it cannot do vision"),
        ({"prompt_tokens": 8001}, "its context of 8000 tokens is too small for 8001"),
        (
            {"prompt_tokens": 7000, "max_output_tokens": 1001},
            "its context of 8000 tokens is too small for 8001",
        ),
        ({"prompt_tokens": 7000, "max_output_tokens": 1000}, None),
    ],
)
def test_a_model_that_cannot_do_it_is_dropped(policy_of, request_like, request_, reason):
    verdict = policy_of().permit(request_like(**request_), "small")
    assert (verdict.reason if isinstance(verdict, Dropped) else None) == reason
    if reason is not None:
        assert verdict.boundary is None
        assert verdict.too_long is ("context" in reason)


def test_a_model_is_dropped_from_the_day_it_retires(policy_of, request_like, models):
    models["small"] = replace(models["small"], retires=100)
    policy = policy_of()
    assert isinstance(policy.permit(request_like(day=99), "small"), Permit)
    assert policy.permit(request_like(day=100), "small") == Dropped("small", "it is retired")


REDACTING = Boundary("soft", Only(inside=True), Data(at_least=Level.CONFIDENTIAL), redacted=True)
CLEAN = Label(Level.INTERNAL)


def test_a_permit_for_the_redacted_form_gives_up_nothing_else(policy_of, request_like, permit):
    granted = policy_of(boundaries=[REDACTING]).permit(request_like(level="restricted"), "large", CLEAN)
    assert isinstance(granted, Permit)
    assert granted.redacted
    assert is_genuine(granted)
    assert "redacted" in repr(granted)
    assert granted.form("plain", "redacted") == "redacted"
    with pytest.raises(PermissionError):
        granted.form("plain", None)
    assert not permit.redacted
    assert permit.form("plain", "redacted") == "plain"
    assert permit.form("plain", None) == "plain"
    forged = object.__new__(Permit)
    object.__setattr__(forged, "_seal", object())
    with pytest.raises(PermissionError):
        forged.form("plain", "redacted")


@pytest.mark.parametrize(
    ("boundaries", "request_", "redacted", "verdict"),
    [
        ([REDACTING], {"level": "internal"}, None, "plain"),
        ([REDACTING], {"level": "restricted"}, CLEAN, "redacted"),
        ([REDACTING], {"level": "restricted"}, None, "soft"),
        ([REDACTING], {"level": "restricted"}, Label(Level.CONFIDENTIAL), "soft"),
        ([REDACTING], {"level": "restricted"}, Label(Level.INTERNAL, failed=("x",)), "soft"),
        ([REDACTING], {"level": "restricted", "failed": ("x",)}, CLEAN, "soft"),
        ([REDACTING], {"level": "restricted", "unscanned": ("image",)}, CLEAN, "soft"),
        ([REDACTING, HEALTH], {"level": "restricted"}, CLEAN, "redacted"),
        ([REDACTING, HEALTH], {"level": "restricted", "categories": frozenset({"HEALTH"})}, CLEAN, "phi"),
        (
            [REDACTING, HEALTH],
            {"level": "restricted"},
            Label(Level.INTERNAL, categories=frozenset({"HEALTH"})),
            "phi",
        ),
    ],
)
def test_redacted_it_goes_only_where_every_boundary_lets_the_rest_go(
    policy_of, request_like, boundaries, request_, redacted, verdict
):
    policy: Policy = policy_of(boundaries=boundaries)
    granted = policy.permit(request_like(**request_), "large", redacted)
    if isinstance(granted, Permit):
        assert verdict == ("redacted" if granted.redacted else "plain")
    else:
        assert granted.boundary == verdict
    home = policy.permit(request_like(**request_), "small", redacted)
    assert isinstance(home, Permit)
    assert not home.redacted


def test_an_air_gap_lets_nothing_go_redacted(policy_of, request_like):
    policy = policy_of(boundaries=[REDACTING], air_gapped=True)
    assert isinstance(policy.permit(request_like(level="restricted"), "large", CLEAN), Dropped)


def test_only_a_policy_that_redacts_asks_for_it(policy_of, request_like):
    plain, redacting = policy_of(boundaries=[HEALTH]), policy_of(boundaries=[REDACTING])
    assert not plain.redacts
    assert not plain.redactable(request_like(level="restricted"))
    assert redacting.redacts
    assert redacting.redactable(request_like(level="restricted"))
    assert not redacting.redactable(request_like(level="internal"))
    assert not redacting.redactable(request_like(level="restricted", failed=("x",)))
    assert not redacting.redactable(request_like(level="restricted", unscanned=("image",)))
    assert not redacting.admits(request_like(level="restricted"), CLOUD), "a detector gets the text as it is"
