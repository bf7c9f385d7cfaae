"""Rules: which of the permitted models gets the request, in which order, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from routers.policy.conditions import (
    ALWAYS,
    Condition,
    Hardest,
    Holds,
    assumed,
    atoms,
    compiled,
    described,
    percent,
)
from routers.policy.facts import Model, Zone
from routers.policy.permit import Permit
from routers.policy.permits import Boundary, Dropped, Firm, Passage, Permits
from routers.sensitivity.label import Label
from routers.signals import Signals

ROUTED: Final = "routed"  # what an alias says to leave the choice to the rules
FAULTS: Final = (
    "cut",  # the answer broke off, or ended at a limit that the client did not set
    "refused",  # the model would not answer
    "empty",  # it said nothing and called nothing
    "schema",  # it is not the JSON that the request declared, or the call of a tool is not
)
EXPLICIT: Final = "explicit"  # the route of a request that named its model itself
_UNLIMITED: Final = 1 << 60  # tokens, or days
_REMEMBERED: Final = 4096  # decisions
_NONE: Final[Mapping[str, float]] = MappingProxyType({})


class UnknownModel(LookupError):  # noqa: N818  # it says what is the matter: the API answers 404
    """The application asked for a model that neither `models` nor `aliases` names."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the model {name[:128]!r} does not exist")
        self.name: Final = name


@dataclass(frozen=True, slots=True)
class Escalate:
    """Which faults of an answer (`FAULTS`) send its request on, once, to which models in order."""

    to: tuple[str, ...]
    on: frozenset[str]


@dataclass(frozen=True, slots=True)
class Route:
    """A rule. `use` is drawn from by weight where `weighted`, else taken in order; `on_failure` follows."""

    name: str
    use: tuple[str, ...]
    weights: tuple[float, ...] | None = None  # one for each of `use`, in sum above 0
    on_failure: tuple[str, ...] = ()
    when: Condition = ALWAYS
    escalate: Escalate | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.use + self.on_failure))

    @property
    def share(self) -> float | None:
        """Which share of what it is asked of is hard to it; None: it does not ask. One for each route."""
        return next((atom.share for atom in atoms(self.when) if isinstance(atom, Hardest)), None)


@dataclass(slots=True)  # not frozen, since it is made for every request; nobody changes one
class Decision:
    """Where a request goes. `targets` is empty where it may go nowhere; `blocked_by` then names the
    boundaries that kept it, and is empty too where no model could have done it at all."""

    route: str
    targets: tuple[Permit, ...]
    dropped: tuple[Dropped, ...] = ()  # the models considered that it may not or cannot use
    passed_over: tuple[tuple[str, str], ...] = ()  # routes that held but had no target left, and why
    reasons: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()
    escalations: tuple[Permit, ...] = ()  # what may be asked where the answer of another is at fault
    weighed: tuple[str, ...] = ()  # routes for which it was the rolling threshold that decided, either way


class Policy:
    """One compiled policy, immutable. Microseconds for each decision; every draw and fact is an argument."""

    __slots__ = (
        "_known",
        "_permits",
        "_routes",
        "aliases",
        "boundaries",
        "draws",
        "escalates",
        "hash",
        "models",
        "redacts",
        "routes",
        "shares",
    )

    def __init__(
        self,
        models: Mapping[str, Model],
        boundaries: Sequence[Boundary],
        routes: Sequence[Route],
        aliases: Mapping[str, str],
        *,
        digest: str,
        air_gapped: bool = False,
        harmless: frozenset[str] = frozenset(),
    ) -> None:
        """`aliases` maps to a model's name or ROUTED; `harmless` as in `Permits`."""
        self.hash: Final = digest
        self.models: Final = dict(models)
        self.boundaries: Final = tuple(boundaries)
        self.routes: Final = tuple(routes)
        self.aliases: Final = dict(aliases)
        self._permits = Permits(models, boundaries, air_gapped=air_gapped, harmless=harmless, policy=digest)
        self.redacts: Final = self._permits.redact  # whether any boundary says `outside: {if: redacted}`
        self._routes = tuple([_Rule.of(route, self.models) for route in routes])
        self._known: dict[tuple[str, Firm], Decision] = {}  # by route and what is in force; see `_routed`
        self.draws: Final = any(
            route.weights for route in routes
        )  # whether `decide` looks at its draw at all
        shares = {route.name: route.share for route in routes}
        self.escalates: Final = {route.name: route.escalate for route in routes if route.escalate is not None}
        self.shares: Final = {name: share for name, share in shares.items() if share is not None}

    def decide(
        self,
        signals: Signals,
        draw: float,
        thresholds: Mapping[str, float] = _NONE,
        redacted: Label | None = None,
    ) -> Decision:
        """Where this request goes. `draw` in [0, 1) settles weighted choices: the same draw for the same
        conversation makes them stick. `thresholds`: for each route of `shares`, the complexity from which a task
        is among its hardest just now. `redacted` is the label of its redacted form. Raises UnknownModel."""
        name = self.aliases.get(signals.model, signals.model)
        passage = self._permits.opened(signals, redacted)
        if name != ROUTED or signals.model not in self.aliases:
            return self._explicit(passage, signals.model, name)
        return self._routed(passage, signals, draw, thresholds)

    def permit(self, signals: Signals, model: str, redacted: Label | None = None) -> Permit | Dropped:
        """The right to try one model by this policy, asked anew for each attempt. A model that has gone
        from the policy is dropped."""
        if model not in self.models:
            return Dropped(model, "it is no longer in the policy")
        return self._permits.opened(signals, redacted).permit(model)

    def redactable(self, signals: Signals) -> bool:
        """Whether redacting this request could open a way that is closed to it as it is."""
        return self._permits.redactable(signals)

    def admits(self, signals: Signals, zone: Zone) -> bool:
        """Whether this request's text may go to a zone where no model runs: to a detector."""
        return self._permits.admits(signals, zone)

    def verdicts(self, signals: Signals, redacted: Label | None = None) -> dict[str, Permit | Dropped]:
        """Every model's permit, or why it has none: what `weir explain` prints."""
        passage = self._permits.opened(signals, redacted)
        return {name: passage.permit(name) for name in self.models}

    def visible_models(self, tenant: str) -> tuple[str, ...]:
        """The names this tenant may send, aliases first, less the models a boundary keeps from it always."""
        closed = self._permits.closed_to(tenant)
        aliases = (alias for alias, name in self.aliases.items() if name not in closed)
        return (*aliases, *(name for name in self.models if name not in closed))

    def _remember(self, rule: "_Rule", passage: Passage, decision: Decision) -> None:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[rule.route.name, passage.firm] = decision

    def _explicit(self, passage: Passage, asked: str, name: str) -> Decision:
        if name not in self.models:
            raise UnknownModel(asked)
        verdict = passage.permit(name)
        reasons = (f"the application asked for {asked}",)
        if isinstance(verdict, Permit):
            return Decision(EXPLICIT, (verdict,), reasons=reasons)
        return Decision(EXPLICIT, (), (verdict,), reasons=reasons, blocked_by=_boundaries((verdict,)))

    def _routed(
        self, passage: Passage, signals: Signals, draw: float, thresholds: Mapping[str, float]
    ) -> Decision:
        """By the first rule that holds and has a target left. Where all its models can do the request, and it draws
        none, what is in force alone tells the targets: then the decision is the one made before."""
        dropped: dict[str, Dropped] = {}
        passed_over: list[tuple[str, str]] = []
        weighed: dict[str, str] = {}
        for rule in self._routes:
            if rule.if_hard is None:
                if not rule.holds(signals):
                    continue
            elif not _weighed(rule, rule.if_hard, signals, thresholds, weighed):
                continue
            alike = passage.all_firm and not (passed_over or weighed) and rule.suits(signals)
            if alike and (known := self._known.get((rule.route.name, passage.firm))) is not None:
                return known
            targets, refused = _targets(passage, rule, draw)
            for each in refused:
                dropped[each.model] = each
            if targets:
                decision = _taken(passage, rule, targets, dropped, passed_over, weighed)
                if alike:
                    self._remember(rule, passage, decision)
                return decision
            passed_over.append((rule.route.name, _left_nothing(refused)))
        return Decision(
            "",
            (),
            tuple(dropped.values()),
            tuple(passed_over),
            ("no route has a target left", *weighed.values()),
            _boundaries(tuple(dropped.values())),
            weighed=tuple(weighed),
        )


def _taken(
    passage: Passage,
    rule: "_Rule",
    targets: tuple[Permit, ...],
    dropped: Mapping[str, Dropped],
    passed_over: Sequence[tuple[str, str]],
    weighed: Mapping[str, str],
) -> Decision:
    """The decision for a rule's targets."""
    bounds = [f"boundary {name} is in force" for name in passage.in_force]
    return Decision(
        rule.route.name,
        targets,
        tuple(dropped.values()),
        tuple(passed_over),
        (rule.reason, *weighed.values(), *bounds),
        escalations=() if rule.route.escalate is None else _permitted(passage, rule.route.escalate),
        weighed=tuple(weighed),
    )


def _left_nothing(refused: Sequence[Dropped]) -> str:
    why = "; ".join(f"{each.model}: {each.reason}" for each in refused)
    return f"no target is left ({why})"


def _boundaries(dropped: tuple[Dropped, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.boundary for each in dropped if each.boundary is not None))


@dataclass(frozen=True, slots=True)
class _Rule:
    """A route, worked out."""

    route: Route
    holds: Holds  # for a task that is not among its hardest, where it asks for that
    if_hard: Holds | None  # for one that is; None: it does not ask
    reason: str
    targets: tuple[str, ...]
    by_weight: tuple[str, ...]  # the order after the one that is drawn
    draws: bool
    can: frozenset[str]  # what all its models can do
    context: int  # tokens that all their contexts hold
    until: int  # the day the first of them retires

    @classmethod
    def of(cls, route: Route, models: Mapping[str, Model]) -> "_Rule":
        weights = route.weights or (0.0,) * len(route.use)
        order = sorted(zip(weights, route.use, strict=True), key=lambda pair: -pair[0])
        by_weight = tuple(dict.fromkeys((*(name for _, name in order), *route.on_failure)))
        reason = f"route {route.name}: {described(route.when)}"
        holds = compiled(assumed(route.when, hardest=False))
        if_hard = None if route.share is None else compiled(assumed(route.when, hardest=True))
        further = () if route.escalate is None else route.escalate.to
        all_of_it = [models[name] for name in (*route.targets, *further)]
        return cls(
            route,
            holds,
            if_hard,
            reason,
            route.targets,
            by_weight,
            draws=route.weights is not None,
            can=frozenset.intersection(*[model.can for model in all_of_it]),
            context=min(
                [model.context for model in all_of_it if model.context is not None], default=_UNLIMITED
            ),
            until=min(
                [model.retires for model in all_of_it if model.retires is not None], default=_UNLIMITED
            ),
        )

    def suits(self, signals: Signals) -> bool:
        """Whether it draws none, and any of its models can do this request: its targets are those that boundaries
        leave it."""
        return (
            not self.draws
            and signals.needs <= self.can
            and signals.prompt_tokens + (signals.max_output_tokens or 0) <= self.context
            and signals.day < self.until
        )


def _weighed(
    rule: _Rule,
    if_hard: Holds,
    signals: Signals,
    thresholds: Mapping[str, float],
    weighed: dict[str, str],
) -> bool:
    """Whether a rule that asks for the hardest holds; what its threshold decided is noted in `weighed`."""
    hard_would = if_hard(signals)
    if hard_would == rule.holds(signals):
        return hard_would  # its other conditions have settled it
    route, score = rule.route, signals.complexity
    threshold = thresholds[route.name]
    hard = score >= threshold
    weighed[route.name] = (
        f"complexity {score:.6g} is {'' if hard else 'not '}among the hardest {percent(route.share or 0)} "
        f"for route {route.name}, from {threshold:.6f} on"
    )
    return hard is hard_would


def _targets(passage: Passage, rule: _Rule, draw: float) -> tuple[tuple[Permit, ...], tuple[Dropped, ...]]:
    """A route's permitted targets in the order to try them, and those it lost."""
    permits: dict[str, Permit] = {}
    dropped: list[Dropped] = []
    for name in rule.targets:
        verdict = passage.permit(name)
        if isinstance(verdict, Permit):
            permits[name] = verdict
        else:
            dropped.append(verdict)
    route = rule.route
    if route.weights is not None and len(permits) > 1:
        drawn = _drawn(route.use, route.weights, permits, draw)
        if drawn is not None:
            order = (drawn, *(name for name in rule.by_weight if name != drawn))
            return tuple(permits[name] for name in order if name in permits), tuple(dropped)
    return tuple(permits.values()), tuple(dropped)


def _permitted(passage: Passage, escalate: Escalate) -> tuple[Permit, ...]:
    verdicts = map(passage.permit, escalate.to)
    return tuple(verdict for verdict in verdicts if isinstance(verdict, Permit))


def _drawn(
    names: tuple[str, ...], weights: tuple[float, ...], permits: Mapping[str, Permit], draw: float
) -> str | None:
    """The model a weighted draw falls on. Where it falls on one that is not permitted, what is left of the
    draw is drawn again among the permitted: the shares of those keep their proportion, and a conversation
    whose model is permitted never moves because another one is not."""
    choices = list(zip(names, weights, strict=True))
    while True:
        at = draw * sum(weight for _, weight in choices)
        for name, weight in choices:
            if at < weight:
                if name in permits:
                    return name
                draw = at / weight
                break
            at -= weight
        else:  # nothing with a weight is left (or rounding carried the draw past the end)
            return next((name for name, _ in choices if name in permits), None)
        choices = [choice for choice in choices if choice[0] in permits]
