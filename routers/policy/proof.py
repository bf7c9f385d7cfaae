"""Where each kind of request could end, found by asking the compiled policy about every kind there is.

What a policy can tell apart is finite: levels, categories, tenants, workflows, ways of asking, and on which
side of each threshold a number lies. One request of every kind is decided, and each target of each decision
is an end: the first at once, the others when those before them fail. Every model is also asked for by name,
so that the ends of a kind are all the models its requests are permitted, whatever else they hold: lack of a
capability or room only takes targets away, and so does a further finding, which can only put more boundaries
in force.

Where a boundary lets data go redacted, each kind is decided as if all had been redacted that ever can be: an end
that is reached so is marked, and no redaction reaches further.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, product
from typing import Any, Final

from routers.policy.conditions import Condition, HasAny, Is, OneOf, Within, atoms
from routers.policy.facts import Zone
from routers.policy.permits import Boundary, Data, Only
from routers.policy.policy import ROUTED, Decision, Policy, Route
from routers.sensitivity.label import Label, Level
from routers.sensitivity.redaction import least
from routers.sensitivity.taxonomy import CATEGORIES, TYPES, category
from routers.sensitivity.taxonomy import level as level_of
from routers.signals import KINDS, Signals

MOST_KINDS: Final = 400_000  # of requests; decided in some seconds
OTHER: Final = "(other)"  # a tenant, workflow or language that the policy does not name
_HARD, _EASY = 0.0, 2.0  # thresholds that every score reaches, or none


@dataclass(frozen=True, slots=True)
class Kind:
    """What of a request bears on where it may go. `found` is a category, `nothing`, `unread <kind>` for content
    that could not be read, or `a failed detector`."""

    level: Level
    found: str
    tenant: str
    workflow: str


@dataclass(frozen=True, slots=True)
class End:
    """One place where one kind of request could end."""

    kind: Kind
    route: str
    model: str
    zone: Zone
    after: int  # how many targets must fail first; 0: none
    redacted: bool = False  # only with its values replaced


@dataclass(frozen=True, slots=True)
class Guarantee:
    """What must hold of every end, written apart from the policy. `only` says what the zone must be, `never`
    what it must not be; a fact that a zone does not state breaks both. It may let data go `redacted` where it does not
    let it go as it is."""

    name: str
    data: Data | None = None
    tenants: frozenset[str] | None = None
    workflows: frozenset[str] | None = None
    only: Only | None = None
    never: Only | None = None
    redacted: bool = False

    def broken_by(self, end: End) -> str | None:
        """Why this end breaks it, or None."""
        kind = end.kind
        if end.redacted and self.redacted:
            return None
        if self.tenants is not None and kind.tenant not in self.tenants:
            return None
        if self.workflows is not None and kind.workflow not in self.workflows:
            return None
        if self.data is not None and not _covers(self.data, kind):
            return None
        if self.only is not None and (reason := self.only.refusal(end.zone)):
            return reason
        if self.never is not None and _could_be(end.zone, self.never):
            return f"zone {end.zone.name} is, or may be, what it must never be"
        return None


@dataclass(frozen=True, slots=True)
class Proof:
    """All ends of a policy. `decided` counts the kinds of request that were tried; `blocked` holds the kinds
    that can end nowhere."""

    ends: tuple[End, ...]
    decided: int
    blocked: tuple[Kind, ...] = ()
    routes: tuple[str, ...] = field(default=())

    def broken(self, guarantees: Iterable[Guarantee]) -> Iterator[tuple[Guarantee, End, str]]:
        """Every end that breaks a guarantee, and why."""
        for guarantee in guarantees:
            for end in self.ends:
                if (reason := guarantee.broken_by(end)) is not None:
                    yield guarantee, end, reason


def prove(
    policy: Policy,
    levels: Mapping[str, Level],
    unscanned: Mapping[str, Level],
    guarantees: Sequence[Guarantee] = (),
) -> Proof:
    """Ask the policy about every kind of request. `levels` is what the configuration says of types and
    categories, `unscanned` the level of unreadable content by kind: no label with that in it is lower.
    What only the guarantees tell apart is told apart too."""
    reached: dict[tuple[Kind, str, str, bool], End] = {}
    blocked: list[Kind] = []
    decided = 0
    conditions = [route.when for route in policy.routes]
    kinds = list(_kinds(policy, levels, unscanned, guarantees))
    worlds = _worlds(policy, conditions, len(kinds))
    standings = _standings(policy, len(kinds) * max(len(worlds), 1))
    told_apart = _categories(policy)
    drawn = {route.name: _drawn(route) for route in policy.routes}
    cached: dict[tuple[Level, str, str, str], list[Decision]] = {}
    for kind in kinds:
        found = "nothing" if kind.found in CATEGORIES - told_apart else kind.found
        same = (kind.level, found, kind.tenant, kind.workflow)
        if same not in cached:
            cached[same] = list(_decisions(policy, Kind(*same), worlds, standings, levels))
            decided += len(cached[same])
        for end in _ends(kind, cached[same], drawn):
            key = (kind, end.route, end.model, end.redacted)
            if key not in reached or end.after < reached[key].after:
                reached[key] = end
        if not any(decision.targets for decision in cached[same]):
            blocked.append(kind)
    return Proof(tuple(reached.values()), decided, tuple(blocked), tuple(each.name for each in policy.routes))


def _decisions(
    policy: Policy,
    kind: Kind,
    worlds: Iterable[Mapping[str, Any]],
    standings: Iterable[Mapping[str, float]],
    levels: Mapping[str, Level],
) -> Iterator[Decision]:
    for signals, standing in product(_requests(policy, kind, worlds), standings):
        yield policy.decide(signals, 0.0, standing, least(signals.label, levels) if policy.redacts else None)


def _requests(policy: Policy, kind: Kind, worlds: Iterable[Mapping[str, Any]]) -> Iterator[Signals]:
    label = _label(kind)
    for name in policy.models:
        yield _signals(kind, label, {"model": name})
    for world in worlds:
        yield _signals(kind, label, world)


def _categories(policy: Policy) -> set[str]:
    """The categories that the policy mentions; the others make no difference to it, unless redaction does."""
    if policy.redacts:
        return set(CATEGORIES)
    named = {
        name for each in policy.boundaries if each.data is not None for name in each.data.categories or ()
    }
    for atom in (atom for route in policy.routes for atom in atoms(route.when)):
        if isinstance(atom, HasAny) and atom.field == "category":
            named |= atom.values
    return named


def _ends(kind: Kind, decisions: Iterable[Decision], drawn: Mapping[str, frozenset[str]]) -> Iterator[End]:
    for decision in decisions:
        first = drawn.get(decision.route, frozenset())
        for place, permit in enumerate(decision.targets):
            after = 0 if permit.model in first else place
            yield End(kind, decision.route, permit.model, permit.zone, after, permit.redacted)
        for permit in decision.escalations if decision.targets else ():
            yield End(  # behind the answer that is at fault
                kind, decision.route, permit.model, permit.zone, 1, permit.redacted
            )


def _drawn(route: Route) -> frozenset[str]:
    """The models that a draw may put first, whatever the order of the one decision that was asked for."""
    return frozenset(name for name, weight in zip(route.use, route.weights or (), strict=False) if weight)


def _kinds(
    policy: Policy,
    levels: Mapping[str, Level],
    unscanned: Mapping[str, Level],
    guarantees: Sequence[Guarantee],
) -> Iterator[Kind]:
    limits: tuple[Boundary | Guarantee, ...] = (*policy.boundaries, *guarantees)
    tenants = _told_apart(policy, "tenant", [each.tenants for each in limits])
    workflows = _told_apart(policy, "workflow", [each.workflows for each in limits])
    least = {"nothing": Level.PUBLIC, **{name: _least(name, levels) for name in sorted(CATEGORIES)}}
    types = {name for each in limits if each.data is not None for name in each.data.types or ()}
    least.update({f"type {name}": level_of(name, levels) for name in sorted(types)})
    least.update({f"unread {kind}": level for kind, level in sorted(unscanned.items())})
    least["a failed detector"] = Level.RESTRICTED
    for found, lowest in least.items():
        for level, tenant, workflow in product(Level, tenants, workflows):
            if level >= lowest:
                yield Kind(level, found, tenant, workflow)


def _least(name: str, levels: Mapping[str, Level]) -> Level:
    """The lowest level that a finding of this category can have."""
    return min(level_of(each, levels) for each, (group, _) in TYPES.items() if group == name)


def _told_apart(policy: Policy, name: str, more: Iterable[frozenset[str] | None]) -> list[str]:
    """The words of a field that the policy mentions, and one that stands for all others."""
    words = {word for some in more for word in some or ()}
    for condition in (atom for route in policy.routes for atom in atoms(route.when)):
        if condition.field == name and isinstance(condition, OneOf):
            words |= condition.values
    return [*sorted(words), OTHER]


def _label(kind: Kind) -> Label:
    match kind.found.split(" ", 1):
        case ["nothing"]:
            return Label(kind.level)
        case ["a", _]:
            return Label(kind.level, failed=("detector",))
        case ["unread", what]:
            return Label(kind.level, unscanned=(what,))
        case ["type", name]:
            return Label(kind.level, types={name: 1}, categories=frozenset({category(name)}))
    return Label(kind.level, categories=frozenset({kind.found}))


def _covers(data: Data, kind: Kind) -> bool:
    """For a guarantee, content that could not be read may hold anything."""
    return data.covers(_label(kind), unread=kind.found.startswith("unread "))


def _could_be(zone: Zone, never: Only) -> bool:
    """Whether the zone is what `never` says, as far as anybody knows: an unknown fact may be so."""
    return all(
        (
            never.zones is None or zone.name in never.zones,
            never.inside is None or zone.inside is never.inside,
            never.jurisdictions is None or zone.jurisdiction in {None, *never.jurisdictions},
            never.certified <= zone.certified,
            never.retention_at_most is None
            or zone.retention_days is None
            or zone.retention_days <= never.retention_at_most,
            never.trains_on_data is None or zone.trains_on_data in {None, never.trains_on_data},
        )
    )


def _signals(kind: Kind, label: Label, world: Mapping[str, Any]) -> Signals:
    """A request of this kind that any model could take: short, and in need of nothing special."""
    facts: dict[str, Any] = {
        "complexity": 0.0,
        "kind": "chat",
        "language": "und",
        "prompt_tokens": 0,
        "modality": frozenset({"text"}),
        "tools": False,
        "stream": False,
        "model": "",
        "budget_used": 0.0,
    }
    return Signals(
        label=label,
        tenant=kind.tenant,
        workflow=kind.workflow,
        max_output_tokens=None,
        needs=frozenset(),
        **{**facts, **world},
    )


def _worlds(policy: Policy, conditions: Sequence[Condition], kinds: int) -> list[dict[str, Any]]:
    """Every combination of the other facts that rules tell apart; where those are too many, the combinations
    within each rule, which still reach each rule in every way."""
    asked = {"model": _asked(policy)}
    if not asked["model"]:
        return []
    everything = {**_points(atom for each in conditions for atom in atoms(each)), **asked}
    size = kinds
    for values in everything.values():
        size *= len(values)
    if size <= MOST_KINDS:
        return _combined(everything)
    worlds = [world for each in conditions for world in _combined({**_points(atoms(each)), **asked})]
    return [dict(items) for items in dict.fromkeys(tuple(world.items()) for world in worlds)]


def _combined(points: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(points, values, strict=True)) for values in product(*points.values())]


def _asked(policy: Policy) -> list[str]:
    """Routed names: each that a condition mentions, and one more for all others."""
    named = set(_told_apart(policy, "model", []))
    routed = [alias for alias, name in policy.aliases.items() if name == ROUTED]
    return [name for name in routed if name in named] + [name for name in routed if name not in named][:1]


def _points(atoms: Iterable[Condition]) -> dict[str, list[Any]]:
    """For each fact that the atoms ask for, one value from every stretch they tell apart."""
    values: dict[str, set[Any]] = {}
    for atom in atoms:
        match atom:
            case Within(field, low, high) if field != "level":
                bounds = [bound for bound in (low, high) if bound is not None]
                step = 1 if field == "prompt_tokens" else 1e-9
                near = {bound + shift for bound in bounds for shift in (-step, 0, step)}
                values.setdefault(field, {0}).update(point for point in near if point >= 0)
            case OneOf(("kind" | "language") as field, words):
                other = (
                    next((kind for kind in KINDS if kind not in words), OTHER) if field == "kind" else OTHER
                )
                values.setdefault(field, set()).update({*words, other})
            case HasAny("modality", words):
                sets = {frozenset({"text"}), *(frozenset({"text", word}) for word in words)}
                values.setdefault("modality", set()).update(sets)
            case Is(field, _):
                values[field] = {True, False}
    return {field: sorted(each, key=str) for field, each in values.items()}


def _standings(policy: Policy, requests: int) -> list[dict[str, float]]:
    """Thresholds under which a task is hard to some routes and not to the others, whatever its complexity: in every
    combination or, where those are too many, to all, to none, to each alone and to all but each."""
    routes = list(policy.shares)
    if requests * 2 ** len(routes) <= MOST_KINDS:
        hard = [frozenset(compress(routes, each)) for each in product((False, True), repeat=len(routes))]
    else:
        every = frozenset(routes)
        alone = [frozenset({route}) for route in routes]
        hard = [frozenset(), every, *alone, *(every - each for each in alone)]
    return [{route: _HARD if route in each else _EASY for route in routes} for each in hard]
