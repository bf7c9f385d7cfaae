"""Boundaries: the one place that grants a request the right to go to a model.

Every way to a model (rule, weight, fallback, retry, alias, explicit name) passes through `Permits.opened`, and nobody
else asks for permits to be made.

A label nobody can vouch for fails closed. Where a detector failed, every boundary on data is in force.
Where content could not be read, every boundary on a category or type is in force, since it may hold
any; only kinds of content that the policy itself declares harmless (`sensitivity.unscanned` gives them
a level below confidential) are taken at their word. A zone fact that nobody stated satisfies nothing.

A boundary may let data go redacted where it does not let it go as it is (`redacted`). The permit then says so, and
gives up only the redacted form of what is to be sent (`Permit.form`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from routers.policy.facts import Model, Zone
from routers.policy.permit import Grant, Permit, granted
from routers.sensitivity.label import Label, Level
from routers.signals import Signals

AIR_GAP: Final = "air_gapped"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A model this request may not go to, or cannot use; `boundary` is set where a boundary forbids it, `too_long`
    where a shorter prompt would do."""

    model: str
    reason: str
    boundary: str | None = None
    too_long: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """Which labels a boundary speaks of. Fields that are set must all hold; none set: every label."""

    at_least: Level | None = None
    categories: frozenset[str] | None = None
    types: frozenset[str] | None = None

    def covers(self, label: Label, *, unread: bool) -> bool:
        """Whether the label falls under it; `unread` content may hold any category and type."""
        if label.failed:
            return True
        if self.at_least is not None and label.level < self.at_least:
            return False
        if unread:
            return True
        if self.categories is not None and self.categories.isdisjoint(label.categories):
            return False
        return self.types is None or not self.types.isdisjoint(label.types)


@dataclass(frozen=True, slots=True)
class Only:
    """What a zone must be. A fact it does not state is not satisfied."""

    zones: frozenset[str] | None = None
    inside: bool | None = None
    jurisdictions: frozenset[str] | None = None
    certified: frozenset[str] = frozenset()  # every one of these
    retention_at_most: int | None = None  # days
    trains_on_data: bool | None = None

    def refusal(self, zone: Zone) -> str | None:
        """Why the zone will not do, or None where it does."""
        return next(self._refusals(zone), None)

    def _refusals(self, zone: Zone) -> Iterator[str]:
        if self.zones is not None and zone.name not in self.zones:
            yield f"zone {zone.name} is not among those allowed"
        if self.inside is not None and zone.inside is not self.inside:
            yield f"zone {zone.name} is {'inside' if zone.inside else 'outside'}"
        if self.jurisdictions is not None and zone.jurisdiction not in self.jurisdictions:
            yield f"the jurisdiction of {zone.name} is {zone.jurisdiction or 'unknown'}"
        if not self.certified <= zone.certified:
            yield f"zone {zone.name} lacks {', '.join(sorted(self.certified - zone.certified))}"
        if self.retention_at_most is not None:
            if zone.retention_days is None:
                yield f"how long {zone.name} retains data is unknown"
            elif zone.retention_days > self.retention_at_most:
                yield f"zone {zone.name} retains data for {zone.retention_days} days"
        if self.trains_on_data is not None and zone.trains_on_data is not self.trains_on_data:
            knows = {None: "may train", True: "trains", False: "does not train"}[zone.trains_on_data]
            yield f"zone {zone.name} {knows} on data"


@dataclass(frozen=True, slots=True)
class Boundary:
    """A hard limit: requests it speaks of go only to zones that are as `only` says, or elsewhere `redacted`."""

    name: str
    only: Only
    data: Data | None = None  # None: whatever the label
    tenants: frozenset[str] | None = None
    workflows: frozenset[str] | None = None
    redacted: bool = False  # data that is redacted until the boundary no longer speaks of it may go elsewhere

    def in_force(self, signals: Signals, *, unread: bool) -> bool:
        if self.tenants is not None and signals.tenant not in self.tenants:
            return False
        if self.workflows is not None and signals.workflow not in self.workflows:
            return False
        return self.data is None or self.data.covers(signals.label, unread=unread)


_Kept = Mapping[str, Dropped]  # by model, those that a boundary keeps out
_InForce = tuple[tuple[str, _Kept], ...]  # boundaries by name
_SETS: Final = 1024  # of boundaries that were in force together, and are remembered


@dataclass(frozen=True, slots=True, eq=False)
class Firm:
    """Boundaries that are in force together and yield to nothing. One object for each set of them, so that what follows
    from them can be kept by it."""

    names: tuple[str, ...]
    kept: _Kept  # by model: the refusal of the first of them that keeps it out


def _firm(boundaries: _InForce) -> Firm:
    kept: dict[str, Dropped] = {}
    for _, refused in reversed(boundaries):
        kept |= refused
    return Firm(tuple([name for name, _ in boundaries]), kept)


class Permits:
    """The boundaries, worked out for every model at load: a request only asks which of them are in force."""

    __slots__ = ("_boundaries", "_firm", "_grants", "_harmless", "_sets", "_yielding")

    def __init__(
        self,
        models: Mapping[str, Model],
        boundaries: Iterable[Boundary],
        *,
        air_gapped: bool,
        harmless: frozenset[str],
        policy: str,
    ) -> None:
        """`harmless`: kinds of unread content that the policy declares to hold nothing sensitive."""
        self._grants = {name: granted(model, policy) for name, model in models.items()}
        self._harmless = harmless
        gap = (Boundary(AIR_GAP, Only(inside=True)),) if air_gapped else ()
        self._boundaries = tuple((boundary, _refused(boundary, models)) for boundary in (*gap, *boundaries))
        firm = [each for each in self._boundaries if not each[0].redacted]
        self._firm = tuple([(1 << i, boundary, refused) for i, (boundary, refused) in enumerate(firm)])
        self._sets: dict[int, Firm] = {}  # those met so far, by the bits of their boundaries
        self._yielding = tuple(each for each in self._boundaries if each[0].redacted)

    @property
    def redact(self) -> bool:
        """Whether any boundary lets data go redacted where it does not let it go as it is."""
        return bool(self._yielding)

    def opened(self, signals: Signals, redacted: Label | None = None) -> "Passage":
        """What this one request may use; `redacted` is the label of its redacted form, where it has one."""
        unread = self._unread(signals.label)
        bits = 0
        for bit, boundary, _ in self._firm:
            if boundary.in_force(signals, unread=unread):
                bits |= bit
        firm = self._sets.get(bits) or self._together(bits)
        if not self._yielding:
            return Passage(signals, self._grants, firm)
        yielding = tuple(
            (boundary.name, refused)
            for boundary, refused in self._yielding
            if boundary.in_force(signals, unread=unread)
        )
        after = self._after(signals, redacted) if yielding else None
        return Passage(signals, self._grants, firm, yielding, after)

    def _together(self, bits: int) -> Firm:
        """A set of boundaries that is met for the first time."""
        if len(self._sets) >= _SETS:
            self._sets.clear()
        firm = _firm(tuple([(boundary.name, refused) for bit, boundary, refused in self._firm if bits & bit]))
        self._sets[bits] = firm
        return firm

    def redactable(self, signals: Signals) -> bool:
        """Whether a boundary keeps this request from some model that it would let it go to redacted."""
        label = signals.label
        if label.failed or label.unscanned:
            return False
        return any(
            refused and boundary.in_force(signals, unread=False) for boundary, refused in self._yielding
        )

    def _after(self, signals: Signals, redacted: Label | None) -> _InForce | None:
        """All boundaries in force for the redacted form; None where it may go nowhere by itself. What nobody read or
        judged cannot have been redacted."""
        label = signals.label
        if redacted is None or label.failed or label.unscanned:
            return None
        changed = replace(signals, label=redacted)
        unread = self._unread(redacted)
        return tuple(
            (boundary.name, refused)
            for boundary, refused in self._boundaries
            if boundary.in_force(changed, unread=unread)
        )

    def admits(self, signals: Signals, zone: Zone) -> bool:
        """Whether the boundaries in force let this request's text go to a zone, though no model runs there."""
        unread = self._unread(signals.label)
        return all(
            boundary.only.refusal(zone) is None
            for boundary, _ in self._boundaries
            if boundary.in_force(signals, unread=unread)
        )

    def _unread(self, label: Label) -> bool:
        """Whether it holds content that could not be read and that the policy does not declare harmless."""
        unscanned = label.unscanned
        return bool(unscanned) and not self._harmless.issuperset(unscanned)

    def closed_to(self, tenant: str) -> frozenset[str]:
        """Models that some boundary keeps from this tenant whatever it sends."""
        return frozenset(
            name
            for boundary, refused in self._boundaries
            if boundary.data is None
            and boundary.workflows is None
            and (boundary.tenants is None or tenant in boundary.tenants)
            for name in refused
        )


def _refused(boundary: Boundary, models: Mapping[str, Model]) -> dict[str, Dropped]:
    """The models a boundary keeps out while it is in force, each with the reason."""
    zones = {model.zone for model in models.values()}
    reasons = {zone: boundary.only.refusal(zone) for zone in zones}
    return {
        name: Dropped(name, f"boundary {boundary.name}: {reasons[model.zone]}", boundary.name)
        for name, model in models.items()
        if reasons[model.zone] is not None
    }


class Passage:
    """The boundaries in force for one request; the only thing that grants permits."""

    __slots__ = ("_after", "_grants", "_signals", "_yielding", "all_firm", "firm")

    def __init__(
        self,
        signals: Signals,
        grants: Mapping[str, Grant],
        firm: Firm,
        yielding: _InForce = (),
        after: _InForce | None = None,
    ) -> None:
        """`yielding` are the boundaries in force that let data go redacted, `after` all those that are in force for
        the redacted form; None: there is none."""
        self._signals = signals
        self._grants = grants
        self.firm = firm
        self.all_firm = not yielding  # no other boundary tells where it may go
        self._yielding = yielding
        self._after = after

    @property
    def in_force(self) -> tuple[str, ...]:
        """Names of the boundaries this request falls under."""
        return (*self.firm.names, *[name for name, _ in self._yielding])

    def permit(self, name: str) -> Permit | Dropped:
        """The permit for a model, or why there is none. Raises KeyError for a name that is no model."""
        dropped = self.firm.kept.get(name)
        if dropped is not None:
            return dropped
        grant = self._grants[name]
        verdict = self._granted(name, grant) if self._yielding else grant.plain
        return verdict if isinstance(verdict, Dropped) else _unfit(grant.model, self._signals) or verdict

    def _granted(self, name: str, grant: Grant) -> Permit | Dropped:
        """The permit that the yielding boundaries leave a model, or why they leave none."""
        kept = next((refused[name] for _, refused in self._yielding if name in refused), None)
        if kept is None:
            return grant.plain
        if self._after is None:
            return replace(kept, reason=f"{kept.reason}, and it is not redacted")
        still = next((refused[name] for _, refused in self._after if name in refused), None)
        if still is not None:
            return replace(still, reason=f"{still.reason}, redacted or not")
        return grant.redacted


def _unfit(model: Model, signals: Signals) -> Dropped | None:
    """Why the model cannot do this request, boundaries aside."""
    if not signals.needs <= model.can:
        return Dropped(model.name, f"it cannot do {', '.join(sorted(signals.needs - model.can))}")
    if model.context is not None:
        wanted = signals.prompt_tokens + (signals.max_output_tokens or 0)
        if wanted > model.context:
            reason = f"its context of {model.context} tokens is too small for {wanted}"
            return Dropped(model.name, reason, too_long=True)
    if model.retires is not None and signals.day >= model.retires:
        return Dropped(model.name, "it is retired")
    return None
