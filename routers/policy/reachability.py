"""Which rules can never decide anything: found before they are deployed, from the policy alone."""

from collections.abc import Iterator, Mapping, Sequence

from routers.policy.conditions import ALWAYS, All, Condition, HasAny, OneOf, Within
from routers.policy.facts import Model
from routers.policy.permits import Boundary
from routers.policy.policy import Route
from routers.policy.reasoning import fewest_tokens, implies, impossible


def unreachable(
    routes: Sequence[Route], models: Mapping[str, Model], boundaries: Sequence[Boundary]
) -> Iterator[tuple[int, str]]:
    """The routes that certainly decide nothing, by their place in the order, and why."""
    for i, route in enumerate(routes):
        if impossible(route.when):
            yield i, "its condition can never hold"
            continue
        hopeless = _hopeless(route, models, boundaries)
        if hopeless:
            yield i, hopeless
            continue
        for earlier in routes[:i]:
            if earlier.when != ALWAYS and _shadows(earlier, route, models, boundaries):
                yield i, f"whatever meets its condition goes to `{earlier.name}` before it"
                break


def reached_only_past(
    routes: Sequence[Route], models: Mapping[str, Model], boundaries: Sequence[Boundary]
) -> Iterator[tuple[int, str]]:
    """Routes that decide only what an earlier one is passed over for, with that one's name: allowed, and
    sometimes a slip of the pen."""
    for i, route in enumerate(routes):
        for earlier in routes[:i]:
            if earlier.when != ALWAYS and implies(route.when, earlier.when):
                if not _shadows(earlier, route, models, boundaries):
                    yield i, earlier.name
                break


def never_escalating(
    routes: Sequence[Route], models: Mapping[str, Model], boundaries: Sequence[Boundary]
) -> Iterator[tuple[int, str]]:
    """The routes whose escalation can never help, by their place, and why."""
    for i, route in enumerate(routes):
        if route.escalate is None:
            continue
        if set(route.targets) <= set(route.escalate.to):
            yield i, "it leads only to models that have answered already"
        reasons = [(name, _never(models[name], route.when, boundaries)) for name in route.escalate.to]
        if all(reason for _, reason in reasons):
            yield i, "; ".join(f"{name}: {reason}" for name, reason in reasons)


def _hopeless(route: Route, models: Mapping[str, Model], boundaries: Sequence[Boundary]) -> str | None:
    """Why no target of the route can ever be permitted, or None where one might be."""
    reasons = []
    for name in route.targets:
        reason = _never(models[name], route.when, boundaries)
        if reason is None:
            return None
        reasons.append(f"{name}: {reason}")
    return f"no target of it can ever be permitted ({'; '.join(reasons)})"


def _never(model: Model, when: Condition, boundaries: Sequence[Boundary]) -> str | None:
    for boundary in boundaries:
        refusal = boundary.only.refusal(model.zone)
        if refusal is not None and not boundary.redacted and implies(when, _spoken_of(boundary)):
            return f"boundary {boundary.name}: {refusal}"
    if model.context is not None and fewest_tokens(when) > model.context:
        return f"its context of {model.context} tokens is too small"
    return None


def _spoken_of(boundary: Boundary) -> Condition:
    """The requests a boundary is certainly in force for."""
    parts: list[Condition] = []
    if boundary.tenants is not None:
        parts.append(OneOf("tenant", boundary.tenants))
    if boundary.workflows is not None:
        parts.append(OneOf("workflow", boundary.workflows))
    if boundary.data is not None:
        if boundary.data.at_least is not None:
            parts.append(Within("level", boundary.data.at_least))
        if boundary.data.categories is not None:
            parts.append(HasAny("category", boundary.data.categories))
        if boundary.data.types is not None:
            parts.append(HasAny("type", boundary.data.types))
    return All(tuple(parts))


def _shadows(
    earlier: Route, later: Route, models: Mapping[str, Model], boundaries: Sequence[Boundary]
) -> bool:
    """Whether the later route has nothing left to decide: its condition implies the earlier one, and for each
    of its targets the earlier route has one that is permitted whenever that target is."""
    return implies(later.when, earlier.when) and all(
        any(_as_free(models[mine], models[theirs], boundaries) for mine in earlier.targets)
        for theirs in later.targets
    )


def _as_free(one: Model, other: Model, boundaries: Sequence[Boundary]) -> bool:
    """Whether nothing drops `one` that would not drop `other` too."""
    room = one.context is None or (other.context is not None and one.context >= other.context)
    lasts = one.retires is None or (other.retires is not None and one.retires >= other.retires)
    return (
        one.can >= other.can
        and room
        and lasts
        and all(
            boundary.only.refusal(one.zone) is None or boundary.only.refusal(other.zone) is not None
            for boundary in boundaries
        )
    )
