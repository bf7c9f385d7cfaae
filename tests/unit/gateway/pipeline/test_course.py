"""A conversation's course: it only climbs while nothing but its tasks changes, and never leaves what is permitted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.course import Course, Turn, read, written
from gateway.state.conversations import Bounds
from routers.policy.conditions import Hardest, Within
from routers.policy.facts import Model, Zone
from routers.policy.permit import Permit
from routers.policy.permits import Boundary, Data, Only
from routers.policy.policy import Decision, Escalate, Policy, Route
from routers.sensitivity.label import Label, Level
from routers.signals import Signals

BOUNDS = Bounds(keep_ms=1000, most=10)
HOME, FAR = Zone("home", inside=True), Zone("far", inside=False)
NAMES = ("small", "middle", "large", "huge")
MODELS = {
    name: Model(name, "gpu", name, FAR if name == "huge" else HOME, ("http://10.0.0.1",)) for name in NAMES
}
STAYS = Boundary("stays", Only(inside=True), Data(at_least=Level.CONFIDENTIAL))
POLICY = Policy(
    MODELS,
    [STAYS],
    [
        Route("hardest", ("huge",), on_failure=("large",), when=Hardest(0.1)),
        Route("hard", ("large", "middle"), (1.0, 1.0), when=Within("complexity", at_least=0.5)),
        Route("easy", ("small",), escalate=Escalate(("middle",), frozenset({"empty"}))),
    ],
    {"auto": "routed"},
    digest="0",
)
SCORES = st.floats(0, 1, allow_nan=False)


def signals(complexity: float, level: Level = Level.PUBLIC, model: str = "auto") -> Signals:
    return Signals(
        label=Label(level),
        complexity=complexity,
        kind="chat",
        language="en",
        prompt_tokens=10,
        max_output_tokens=None,
        modality=frozenset({"text"}),
        needs=frozenset(),
        tools=False,
        stream=False,
        tenant="acme",
        workflow="",
        model=model,
    )


def take(
    before: Course | None, own: Signals, threshold: float = 0.8, draw: float = 0.0
) -> tuple[Turn, Decision]:
    turn = Turn(before, BOUNDS)
    held, thresholds = turn.held(own, {"hardest": threshold})
    return turn, turn.decided(POLICY.decide(held, draw, thresholds), own, held, thresholds)


@given(st.lists(st.tuples(SCORES, SCORES, SCORES), min_size=1, max_size=12))
def test_while_only_tasks_change_it_climbs_and_stays(turns: list[tuple[float, float, float]]) -> None:
    order = ["easy", "hard", "hardest"]
    course, at, hardest = None, 0, -1.0
    for complexity, threshold, draw in turns:
        turn, decision = take(course, signals(complexity), threshold, draw)
        rank = order.index(decision.route)
        assert rank >= at, "it never goes down"
        if course is not None and rank == at:
            assert decision.targets[0].model == course.model, "within a route the model stays"
            assert turn.outcome == "kept"
        at, hardest = rank, max(hardest, complexity)
        course = turn.now
        assert course is not None
        assert course.complexity == hardest
        assert read(written(course)) == course


@given(SCORES, SCORES, st.sampled_from(NAMES), st.sampled_from(["hardest", "hard", "easy", "gone"]))
def test_it_adds_no_model_that_the_decision_does_not_have(
    own: float, earlier: float, model: str, route: str
) -> None:
    course = Course(route, model, earlier, "chat", "en", {})
    for level in (Level.PUBLIC, Level.RESTRICTED):
        turn = Turn(course, BOUNDS)
        held, thresholds = turn.held(signals(own, level), {"hardest": 0.8})
        plain = POLICY.decide(held, 0.0, thresholds)
        kept = turn.decided(plain, signals(own, level), held, thresholds)
        assert set(kept.targets) <= {*plain.targets, *plain.escalations}
        assert set(kept.targets) >= set(plain.targets)
        for permit in kept.targets:
            assert isinstance(POLICY.permit(signals(own, level), permit.model), Permit)


def test_a_label_that_rises_takes_the_model_away() -> None:
    turn, decision = take(None, signals(0.9))
    assert decision.targets[0].model == "huge"
    turn, decision = take(turn.now, signals(0.2, Level.RESTRICTED))
    assert [permit.model for permit in decision.targets] == ["large"]
    assert turn.outcome == "dropped"
    assert decision.reasons[-1] == "moved from huge to large: that may not or cannot take it now"


def test_a_model_that_it_escalated_to_is_kept_within_the_route() -> None:
    course = Course("easy", "middle", 0.2, "chat", "en", {})
    turn, decision = take(course, signals(0.1))
    assert [permit.model for permit in decision.targets] == ["middle", "small"]
    assert turn.outcome == "kept"
    turn, decision = take(course, signals(0.6))
    assert turn.outcome == ("kept" if decision.targets[0].model == "middle" else "harder")
    turn, decision = take(course, signals(0.9))
    assert (decision.targets[0].model, turn.outcome) == ("huge", "harder")


def test_an_explicit_model_is_the_applications_own_choice_and_changes_nothing() -> None:
    turn, decision = take(Course("easy", "small", 0.2, "chat", "en", {}), signals(0.9, model="large"))
    assert decision.targets[0].model == "large"
    assert (turn.now, turn.outcome) == (None, None)


@pytest.mark.parametrize("said", ["", "{", "[]", '{"route": "easy"}', '{"other": 1}'])
def test_what_cannot_be_read_is_no_course(said: str) -> None:
    assert read(said) is None
