"""Labels a request: everything the model would see is scanned once, and looked at closely where something was seen."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from routers.sensitivity import (
    addresses,
    assigned,
    contact,
    health,
    identifiers,
    issuers,
    markings,
    numbers,
    rule,
    secrets,
    taxonomy,
    views,
)
from routers.sensitivity.engine import Engine, Trigger, compile_triggers
from routers.sensitivity.label import Finding, Label, Level, Segment
from routers.sensitivity.normalise import normalised
from routers.sensitivity.rule import Rule
from routers.sensitivity.settings import Settings
from routers.sensitivity.tenant import tenant_rules

_PIECE: Final = 8_192  # code points scanned at a time: well under a millisecond
_OVERLAP: Final = 512  # what two pieces share, so that nothing is lost at the cut
_HITS: Final = 8  # hits looked at closely between two yields
_APART: Final = "\n\n"  # what stands between segments, so that nothing runs from one into the next,
_NAMING: Final = ":\n"  # unless the one is the name of the other
_DEPTH: Final = 3  # views of views of views

_RULES: Final[tuple[Rule, ...]] = (
    *secrets.RULES,
    *issuers.RULES,
    *assigned.RULES,
    *identifiers.RULES,
    *contact.RULES,
    *addresses.RULES,
    *health.RULES,
    *markings.RULES,
)

# What a trigger's index leads to: None is a number, else a view or a rule.
_Target = Rule | views.View | None


def _targets(rules: Sequence[Rule]) -> list[tuple[Trigger, _Target]]:
    return [(trigger, found_by) for found_by in rules for trigger in found_by.triggers]


_BUILT_IN: Final[list[tuple[Trigger, _Target]]] = [
    (numbers.TRIGGER, None),
    *((trigger, view) for view in views.VIEWS for trigger in view.triggers),
    *_targets(_RULES),
]


def triggers() -> tuple[Trigger, ...]:
    """All built-in triggers, in the order the classifier expects of its engine."""
    return tuple(trigger for trigger, _ in _BUILT_IN)


def tenant_triggers(settings: Settings) -> tuple[Trigger, ...]:
    """The triggers of the tenant's own terms and patterns, for a database of their own."""
    return tuple(trigger for trigger, _ in _targets(tenant_rules(settings)))


@dataclass(slots=True)
class _Scan:
    """What has been found so far in one request."""

    starts: list[int]  # where each segment begins in the joined text
    exact: list[bool] = field(default_factory=list)  # whether its characters kept their places
    findings: list[Finding] = field(default_factory=list)
    seen: set[tuple[str, int, int]] = field(default_factory=set)


class Classifier:
    """Findings and labels under one policy. Holds compiled databases, so one thread at a time."""

    def __init__(self, settings: Settings, engine: Engine, tenant: Engine | None = None) -> None:
        """`engine` is compiled from `triggers()`, `tenant` from `tenant_triggers(settings)"
        "` (here, if it is not given)."""
        self._settings = settings
        own = _targets(tenant_rules(settings))
        self._layers: list[tuple[Engine, list[_Target]]] = [(engine, [target for _, target in _BUILT_IN])]
        if own:
            self._layers.append(
                (tenant or compile_triggers([trigger for trigger, _ in own]), [t for _, t in own])
            )
        self.findings: tuple[Finding, ...] = ()

    def label(
        self, segments: Sequence[Segment], unscanned: Sequence[str] = (), floor: Level | None = None
    ) -> Label:
        """The label of these segments, in one go."""
        work = self.slices(segments, unscanned, floor)
        while True:
            try:
                next(work)
            except StopIteration as done:
                label: Label = done.value
                return label

    def slices(
        self, segments: Sequence[Segment], unscanned: Sequence[str] = (), floor: Level | None = None
    ) -> Generator[None, None, Label]:
        """The same in slices of about a millisecond: yields where the caller may do something else."""
        failed: tuple[str, ...] = ()
        scan = _Scan([])
        try:
            yield from self._scan_all(segments, scan)
        except Exception:  # noqa: BLE001  # whatever breaks in a detector, an unjudged request must count as the most sensitive
            failed = ("patterns",)
        return self._labelled(scan.findings, unscanned, failed, floor)

    def _scan_all(self, segments: Sequence[Segment], scan: _Scan) -> Iterator[None]:
        texts: list[str] = []
        at = 0
        for segment in segments:
            text, exact = normalised(segment.text)
            scan.starts.append(at)
            scan.exact.append(exact)
            texts += (text, _NAMING if segment.origin == "name" else _APART)
            at += len(text) + 2
        yield from self._scan("".join(texts), scan, 0)
        if len(segments) > 1:
            joints = views.joints(
                [(s.origin, text) for s, text in zip(segments, texts[::2], strict=True) if text]
            )
            if joints:
                yield from self._scan(joints, scan, 1, bare=False)

    def _scan(self, text: str, scan: _Scan, depth: int, bare: bool = True) -> Iterator[None]:
        """Scan a text piece by piece, then the views that it gave a sign of."""
        signs: dict[views.View, list[int]] = {}
        for engine, targets in self._layers:
            done: dict[int, int] = {}
            for start in range(0, len(text), _PIECE):
                piece = text[start : start + _PIECE + _OVERLAP] if len(text) > _PIECE else text
                hits = engine.scan(piece)
                yield from self._look(text, start, hits, targets, done, scan, depth, signs, bare)
                yield
        if depth < _DEPTH:
            for view, ends in signs.items():
                new = views.read(view, text, sorted(ends))
                yield
                if new:
                    yield from self._scan(new, scan, depth + 1, bare and not view.joins)

    def _look(
        self,
        text: str,
        start: int,
        hits: list[tuple[int, int]],
        targets: list[_Target],
        done: dict[int, int],
        scan: _Scan,
        depth: int,
        signs: dict[views.View, list[int]],
        bare: bool,
    ) -> Iterator[None]:
        """Confirm each hit that lies behind what its rule has looked at already."""
        looked = 0
        for end, index in hits:
            end += start
            if end <= done.get(index, 0):
                continue
            looked += 1
            if looked % _HITS == 0:
                yield
            target = targets[index]
            if target is None:
                done[index], found = numbers.find(text, done.get(index, 0), end, bare)
                for a, b, type_ in found:
                    self._note(type_, "number", a, b, depth, scan)
            elif isinstance(target, Rule):
                hit = rule.find(target, text, done.get(index, 0), end)
                done[index] = end if hit is None else hit[2]
                if hit is not None:
                    self._note(target.type, target.id, hit[0], hit[1], depth, scan)
            else:
                signs.setdefault(target, []).append(end)

    def _note(self, type_: str, rule_id: str, start: int, end: int, depth: int, scan: _Scan) -> None:
        """Keep a finding; what was found in a view has no place of its own in the request."""
        if (type_, start, end) in scan.seen and depth == 0:
            return
        scan.seen.add((type_, start, end))
        segment = 0
        if depth == 0:
            while segment + 1 < len(scan.starts) and scan.starts[segment + 1] <= start:
                segment += 1
            start, end = start - scan.starts[segment], end - scan.starts[segment]
        if depth or not scan.exact[segment]:
            start = end = 0
        scan.findings.append(
            Finding(
                type_, taxonomy.category(type_), self._settings.level(type_), rule_id, segment, start, end
            )
        )

    def _labelled(
        self, findings: list[Finding], unscanned: Sequence[str], failed: tuple[str, ...], floor: Level | None
    ) -> Label:
        self.findings = tuple(findings)
        levels = [self._settings.unlabelled, *(finding.level for finding in findings)]
        levels += [self._settings.opaque_level(kind) for kind in unscanned]
        if floor is not None:
            levels.append(floor)
        types: dict[str, int] = {}
        for finding in findings:
            types[finding.type] = types.get(finding.type, 0) + 1
        return Label(
            Level.RESTRICTED if failed else max(levels),
            MappingProxyType(types),
            frozenset(finding.category for finding in findings),
            tuple(dict.fromkeys(finding.rule for finding in findings)),
            tuple(unscanned),
            failed,
        )
