"""What shows once zones, boundaries and routes stand together: rules nothing reaches, data that nothing keeps in."""

from collections.abc import Iterator, Mapping, Sequence

from gateway.configuration.problems import Problem
from gateway.configuration.source import Source
from routers.policy.facts import Model
from routers.policy.permits import Boundary
from routers.policy.policy import Route
from routers.policy.reachability import never_escalating, reached_only_past, unreachable
from routers.sensitivity.label import Label, Level

Models = Mapping[str, Model]


def faults(
    source: Source, routes: Sequence[Route], models: Models, boundaries: Sequence[Boundary]
) -> Iterator[Problem]:
    """Routes that could never decide, or never do all that they say."""
    for i, why in unreachable(routes, models, boundaries):
        message = f"the route `{routes[i].name}` is unreachable: {why}"
        yield Problem(source.place(("routes", i)), message, "change or remove it")
    for i, why in never_escalating(routes, models, boundaries):
        message = f"the route `{routes[i].name}` can never escalate: {why}"
        yield Problem(source.place(("routes", i, "escalate")), message, "change or remove `escalate`")


def warnings(
    source: Source, routes: Sequence[Route], models: Models, boundaries: Sequence[Boundary]
) -> Iterator[Problem]:
    """What an operator may not have meant."""
    for i, earlier in reached_only_past(routes, models, boundaries):
        message = f"the route `{routes[i].name}` decides only where `{earlier}` has no target left"
        yield Problem(source.place(("routes", i)), message)
    yield from _open(source, models, boundaries)


def _open(source: Source, models: Models, boundaries: Sequence[Boundary]) -> Iterator[Problem]:
    """Outside zones that nothing keeps restricted data from."""
    restricted = Label(Level.RESTRICTED)
    for zone in dict.fromkeys(model.zone for model in models.values() if model.zone.outside):
        kept = any(
            boundary.tenants is None
            and boundary.workflows is None
            and (boundary.data is None or boundary.data.covers(restricted, unread=False))
            and boundary.only.refusal(zone) is not None
            for boundary in boundaries
        )
        if not kept:
            message = f"no boundary keeps restricted data from `{zone.name}`, which is outside"
            hint = "such as {name: stays-home, data: {at_least: confidential}, only: {inside: true}}"
            yield Problem(source.place(("zones", zone.name)), message, hint)
