"""Labels a request: everything the model would see is scanned once, and looked at closely where something was seen."""

from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from routers.sensitivity import (
    addresses,
    assigned,
    code,
    contact,
    health,
    identifiers,
    issuers,
    markings,
    named,
    numbers,
    passwords,
    rule,
    secrets,
    taxonomy,
    views,
)
from routers.sensitivity.engine import Engine, compile_triggers
from routers.sensitivity.label import Finding, Label, Level, Segment
from routers.sensitivity.normalise import normalised, pieces
from routers.sensitivity.patterns import Patterns, compile_patterns
from routers.sensitivity.randomness import ciphertext
from routers.sensitivity.rule import Rule
from routers.sensitivity.settings import Settings
from routers.sensitivity.tenant import tenant_rules
from routers.sensitivity.trigger import Hit, Trigger

_PIECE: Final = 8_192  # code points scanned at a time: well under a millisecond
_OVERLAP: Final = 512  # what two pieces share, so that nothing is lost at the cut
_HITS: Final = 2  # hits looked at closely between two yields
_DEPTH: Final = 5  # views of views of views
_APART: Final = "\n\n"  # what stands between segments, so that nothing runs from one into the next,
_NAMING: Final = ":\n"  # unless the one is the name of the other

_RULES: Final[tuple[Rule, ...]] = (
    *secrets.RULES,
    *passwords.RULES,
    *issuers.RULES,
    *assigned.RULES,
    *identifiers.RULES,
    *named.RULES,
    *contact.RULES,
    *addresses.RULES,
    *health.RULES,
    *markings.RULES,
)

_Target = (
    Rule | views.View | tuple[Trigger, ...] | None
)  # what a trigger leads to; None: a number; a tuple: hints


def _targets(rules: Sequence[Rule]) -> list[tuple[Trigger, _Target]]:
    return [(trigger, found_by) for found_by in rules for trigger in found_by.triggers]


_BUILT_IN: Final[list[tuple[Trigger, _Target]]] = [
    (numbers.TRIGGER, None),
    *((trigger, numbers.HINTS) for trigger in numbers.HINTS),
    *((trigger, view) for view in views.VIEWS for trigger in view.triggers),
    *_targets(_RULES),
]


def triggers() -> tuple[Trigger, ...]:
    """All built-in triggers, in the order the classifier expects of its engine."""
    return tuple(trigger for trigger, _ in _BUILT_IN)


def tenant_triggers(settings: Settings) -> tuple[Trigger, ...]:
    """The triggers of the tenant's own terms, for a database of their own."""
    return tuple(trigger for trigger, _ in _targets(tenant_rules(settings)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """A label, and the findings it rests on. A finding whose `end` is 0 was seen in a view of the text: it is
    there, but has no place of its own that could be cut out."""

    label: Label
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A finding with what was seen, for redaction only: never kept, logged or shown. `start` and `end` are code points
    of the text as it was read; `end` 0: it was seen in a view of that."""

    type: str
    rule: str
    start: int
    end: int
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """One request's text as the rules read it, all segments in one, and all that was seen in it."""

    text: str = field(repr=False)
    sightings: tuple[Sighting, ...]


@dataclass(slots=True)
class _Request:
    """What has been found so far in one request."""

    starts: list[int] = field(default_factory=list)  # where each segment begins in the joined text
    exact: list[bool] = field(default_factory=list)  # whether its characters kept their places
    findings: list[Finding] = field(default_factory=list)
    places: set[tuple[str, int, int]] = field(default_factory=set)
    text: str = ""  # all segments in one
    sightings: list[Sighting] | None = None  # None: nobody asks for them
    code: bool = False  # whether source code was seen


@dataclass(slots=True)
class _Text:
    """One text under scan: the request itself (depth 0), or a view of it."""

    text: str
    depth: int
    bare: bool  # whether a number may count without being called by its name
    signs: dict[views.View, list[int]] = field(default_factory=dict)
    hints: list[int] | None = None  # ends of words that claim numbers, where the engine looks for them


class Classifier:
    """Labels under one policy. Holds compiled databases, so one thread at a time; several requests may be under way
    in that thread."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        tenant: Engine | None = None,
        patterns: Patterns | None = None,
    ) -> None:
        """`engine` is compiled from `triggers()`, `tenant` from `tenant_triggers(settings)` and `patterns` from
        `settings.patterns`, or here. Raises ValueError naming a pattern that cannot be used."""
        self.settings: Final = settings
        self._layers: list[tuple[Engine, list[_Target]]] = [(engine, [target for _, target in _BUILT_IN])]
        own = _targets(tenant_rules(settings))
        if own:
            compiled = tenant or compile_triggers([trigger for trigger, _ in own])
            self._layers.append((compiled, [target for _, target in own]))
        self._names: Final = tuple(settings.patterns)
        self._patterns = patterns or (compile_patterns(settings.patterns) if self._names else None)
        self._clean: Final = {  # nearly every request is one of these: made once, since nobody changes one
            floor: Verdict(self._label([], (), (), floor), ()) for floor in (None, *Level)
        }

    def label(
        self, segments: Sequence[Segment], unscanned: Sequence[str] = (), floor: Level | None = None
    ) -> Label:
        """The label of these segments, in one go."""
        return self.verdict(segments, unscanned, floor).label

    def verdict(
        self, segments: Sequence[Segment], unscanned: Sequence[str] = (), floor: Level | None = None
    ) -> Verdict:
        """The label and what it rests on, in one go."""
        work = self._verdict(segments, unscanned, floor)
        while True:
            try:
                next(work)
            except StopIteration as done:
                verdict: Verdict = done.value
                return verdict

    def slices(
        self, segments: Sequence[Segment], unscanned: Sequence[str] = (), floor: Level | None = None
    ) -> Generator[None, None, Label]:
        """The label in slices of about a millisecond at most: yields where something else may be done."""
        return (yield from self._verdict(segments, unscanned, floor)).label

    def sightings(self, segments: Sequence[Segment]) -> Generator[None, None, Seen]:
        """What stands where, in slices as `slices`. Raises whatever a broken detector raises."""
        request = _Request(sightings=[])
        yield from self._request(segments, request)
        return Seen(request.text, tuple(request.sightings or ()))

    def _verdict(
        self, segments: Sequence[Segment], unscanned: Sequence[str], floor: Level | None
    ) -> Generator[None, None, Verdict]:
        request = _Request()
        failed: tuple[str, ...] = ()
        try:
            yield from self._request(segments, request)
        except Exception:  # noqa: BLE001  # whatever breaks, what was not judged counts as the most sensitive
            failed = ("patterns",)
        if not (request.findings or unscanned or failed):
            return self._clean[floor]
        return Verdict(self._label(request.findings, unscanned, failed, floor), tuple(request.findings))

    def _request(self, segments: Sequence[Segment], request: _Request) -> Iterator[None]:
        """All segments as one text, then what stands across their joints."""
        texts: list[str] = []
        at = paused = 0
        for segment in segments:
            if at - paused > _PIECE:
                paused = at
                yield
            text = "" if segment.origin == "sealed" and ciphertext(segment.text) else segment.text
            text, exact = normalised(text) if len(text) <= _PIECE else (yield from self._normalised(text))
            request.starts.append(at)
            request.exact.append(exact)
            texts += (text, _NAMING if segment.origin == "name" else _APART)
            at += len(text) + 2
        request.text = "".join(texts)
        yield from self._scan(_Text(request.text, 0, True), request)
        if len(segments) > 1:
            said = [
                (segment.origin, text) for segment, text in zip(segments, texts[::2], strict=True) if text
            ]
            across = yield from views.joints(said)
            if across:
                yield from self._scan(_Text(across, 1, False), request)

    def _normalised(self, text: str) -> Generator[None, None, tuple[str, bool]]:
        """See `normalise.normalised`, a piece at a time."""
        done: list[tuple[str, bool]] = []
        for piece in pieces(text, _PIECE):
            done.append(normalised(piece))
            yield
        return "".join(text for text, _ in done), all(exact for _, exact in done)

    def _scan(self, under: _Text, request: _Request) -> Iterator[None]:
        """Scan a text piece by piece, then the views that it gave signs of."""
        if self._layers[0][0].hints:
            under.hints = []
        yield from self._code(under, request)
        for engine, targets in self._layers:
            done: dict[int, int] = {}  # by trigger: where the last finding ended
            answered: dict[int, int] = {}  # by trigger: up to where hits have been answered
            whole = len(under.text) <= _PIECE
            for start in range(0, len(under.text), _PIECE):
                hits = engine.scan(under.text if whole else under.text[start : start + _PIECE + _OVERLAP])
                if hits is None:  # no answer is not an answer of nothing
                    raise TypeError("the engine did not answer")
                if hits:
                    yield from self._look(under, start, hits, targets, done, answered, request)
                if not whole:
                    yield
        if self._patterns is not None:
            yield from self._own(self._patterns, under, request)
        if under.depth == _DEPTH:
            return
        for view, ends in under.signs.items():
            read = yield from views.read(view, under.text, sorted(ends))
            yield from self._scan(_Text(read, under.depth + 1, under.bare and not view.joins), request)

    def _own(self, patterns: Patterns, under: _Text, request: _Request) -> Iterator[None]:
        """Note what the tenant's own expressions match."""
        for start in range(0, len(under.text), _PIECE):
            if start:
                yield
            for first, last, index in patterns.scan(under.text[start : start + _PIECE + _OVERLAP]):
                place = (start + first, start + last) if last else (0, 0)
                self._note("CUSTOM_TERM", self._names[index], *place, under, request)

    def _code(self, under: _Text, request: _Request) -> Iterator[None]:
        """Note source code once, wherever it is seen first; it has no place, since it is no value."""
        if request.code:
            return
        for start in range(0, len(under.text), _PIECE):
            if code.shown(under.text, start, start + _PIECE):
                request.code = True
                level = self.settings.level("SOURCE_CODE")
                request.findings.append(Finding("SOURCE_CODE", "CODE", level, "source-code"))
                return
            if len(under.text) > _PIECE:
                yield

    def _look(
        self,
        under: _Text,
        start: int,
        hits: list[Hit],
        targets: list[_Target],
        done: dict[int, int],
        answered: dict[int, int],
        request: _Request,
    ) -> Iterator[None]:
        """Confirm each hit of the piece at `start` that lies behind what its trigger has led to already."""
        if under.hints is not None:
            under.hints += [end + start for end, index in hits if targets[index] is numbers.HINTS]
            hits = sorted(hit for hit in hits if targets[hit[1]] is not numbers.HINTS)  # most are
        looked = 0
        for end, index in hits:
            target = targets[index]
            end += start  # from the piece's own count to the text's
            if end <= answered.get(index, 0):
                continue
            lowest = done.get(index, 0)
            looked += 1
            if looked % _HITS == 0:
                yield
            if target is None:
                answered[index], found = numbers.find(under.text, lowest, end, under.bare, under.hints)
                done[index] = answered[index]
                for first, last, type_ in found:
                    self._note(type_, "number", first, last, under, request)
            elif isinstance(target, Rule):
                answered[index], place = rule.find(target, under.text, lowest, end)
                if place is not None:
                    done[index] = answered[index]
                    self._note(target.type, target.id, *place, under, request)
            elif isinstance(target, views.View):
                under.signs.setdefault(target, []).append(end)

    def _note(self, type_: str, rule_id: str, start: int, end: int, under: _Text, request: _Request) -> None:
        """Keep a finding, with its place where it has one."""
        if request.sightings is not None:
            own = (start, end) if under.depth == 0 else (0, 0)
            request.sightings.append(Sighting(type_, rule_id, *own, under.text[start:end]))
        segment = 0
        if under.depth == 0:
            if (type_, start, end) in request.places:
                return
            request.places.add((type_, start, end))
            segment = bisect_right(request.starts, start) - 1
            start, end = start - request.starts[segment], end - request.starts[segment]
        if under.depth or not request.exact[segment]:
            start = end = 0
        category, level = taxonomy.category(type_), self.settings.level(type_)
        request.findings.append(Finding(type_, category, level, rule_id, segment, start, end))

    def _label(
        self, findings: list[Finding], unscanned: Sequence[str], failed: tuple[str, ...], floor: Level | None
    ) -> Label:
        levels = [self.settings.unlabelled, *(finding.level for finding in findings)]
        levels += [self.settings.opaque_level(kind) for kind in unscanned]
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
