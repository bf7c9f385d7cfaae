"""A named conversation keeps its model: caches stay warm, and thinking stays valid.

Its turns are routed as the hardest of them so far was, against the thresholds that one was weighed by, and within a
route the model stays. So it moves up with a harder turn and not down with an easier one; and whatever else a policy
asks about (label, budget, workflow, size) moves it, since that is decided anew with every turn.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

import orjson

from gateway.state.conversations import Bounds
from routers.policy.policy import EXPLICIT, Decision
from routers.signals import Signals

Outcome = Literal["kept", "harder", "route", "dropped"]

_WHY: Final[Mapping[Outcome, str]] = {
    "harder": "this turn is harder than those before",
    "route": "another route holds now",
    "dropped": "that may not or cannot take it now",
}


@dataclass(frozen=True, slots=True)
class Course:
    """Where a conversation went, and how hard its hardest turn was."""

    route: str
    model: str
    complexity: float
    kind: str
    language: str
    thresholds: dict[str, float]  # the lowest it was weighed by, of routes that ask for the hardest


class Turn:
    """One turn of a named conversation: asked before the decision, told of it after."""

    __slots__ = ("before", "bounds", "now", "outcome")

    def __init__(self, before: Course | None, bounds: Bounds) -> None:
        """`before`: as the turns before this one left it; None: there were none, or nothing is known of them."""
        self.before: Final = before
        self.bounds: Final = bounds
        self.now: Course | None = None
        self.outcome: Outcome | None = None

    def held(self, signals: Signals, thresholds: Mapping[str, float]) -> tuple[Signals, Mapping[str, float]]:
        """What the turn is to be decided upon: the conversation's hardest turn, be it this or an earlier one."""
        before = self.before
        if before is None:
            return signals, thresholds
        if before.complexity > signals.complexity:
            signals = replace(
                signals, complexity=before.complexity, kind=before.kind, language=before.language
            )
        lower = {
            name: min(at, thresholds[name]) for name, at in before.thresholds.items() if name in thresholds
        }
        return signals, {**thresholds, **lower}

    def decided(
        self, decision: Decision, own: Signals, signals: Signals, thresholds: Mapping[str, float]
    ) -> Decision:
        """The decision with the conversation's model first, where its route is the same and still has it. `own` are
        the turn's signals, `signals` and `thresholds` what was decided upon."""
        if decision.route == EXPLICIT or not decision.targets:
            return decision
        if self.before is not None:
            decision = self._kept(self.before, decision, own)
        weighed = {name: thresholds[name] for name in decision.weighed}
        if self.before is not None:
            weighed = self.before.thresholds | weighed
        self.now = Course(
            decision.route,
            decision.targets[0].model,
            signals.complexity,
            signals.kind,
            signals.language,
            weighed,
        )
        return decision

    def _kept(self, before: Course, decision: Decision, own: Signals) -> Decision:
        targets, model = decision.targets, before.model
        if decision.route == before.route:
            found = [each for each in (*targets, *decision.escalations) if each.model == model][:1]
            if found:
                targets = (*found, *(each for each in targets if each.model != model))
        told = []
        if before.complexity > own.complexity:
            told.append(f"routed as the conversation's hardest turn: {before.complexity:.6g}, {before.kind}")
        if targets[0].model == model:
            self.outcome = "kept"
            told.append(f"kept: the conversation's model is {model}")
        else:
            self.outcome = _moved(before, decision, own)
            told.append(f"moved from {model} to {targets[0].model}: {_WHY[self.outcome]}")
        return replace(decision, targets=targets, reasons=(*decision.reasons, *told))


def _moved(before: Course, decision: Decision, own: Signals) -> Outcome:
    if decision.route == before.route or any(each.model == before.model for each in decision.dropped):
        return "dropped"
    return "harder" if own.complexity > before.complexity else "route"


def written(course: Course) -> str:
    """A course as text."""
    return orjson.dumps(asdict(course)).decode()


def read(said: str) -> Course | None:
    """A course from its text; None where that is empty, or of another release."""
    if not said:
        return None
    try:
        return Course(**orjson.loads(said))
    except (ValueError, TypeError):
        return None
