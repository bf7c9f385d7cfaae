"""What further detectors are: they see segments and answer with spans, which can only raise a label."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from routers.sensitivity import taxonomy
from routers.sensitivity.label import Label, Level, Segment
from routers.sensitivity.settings import Settings


@dataclass(frozen=True, slots=True)
class Span:
    """One thing found: its type, and its place in code points of one segment."""

    type: str
    segment: int
    start: int
    end: int


class Nonsense(ValueError):  # noqa: N818  # it names what a detector answered
    """A detector's answer is none: not spans, or spans of text that it was not given."""


class Detector(Protocol):
    """One further engine. Whatever it raises, and whatever it answers late, means the highest level."""

    @property
    def name(self) -> str:
        """What logs and labels call it."""

    async def scan(self, segments: Sequence[Segment]) -> Sequence[Span]:
        """The spans it finds in these segments."""

    async def aclose(self) -> None:
        """Let go of what it holds open."""


def checked(spans: object, segments: Sequence[Segment]) -> tuple[Span, ...]:
    """The spans, if that is what they are. Raises Nonsense."""
    if not isinstance(spans, list | tuple):
        raise Nonsense("not a list of spans")
    for span in spans:
        if not isinstance(span, Span) or not isinstance(span.type, str) or not span.type:
            raise Nonsense("not a span")
        if not all(type(place) is int for place in (span.segment, span.start, span.end)):
            raise Nonsense("a place that is no number")
        if not 0 <= span.segment < len(segments):
            raise Nonsense("a segment that was not sent")
        if not 0 <= span.start < span.end <= len(segments[span.segment].text):
            raise Nonsense("a place outside its segment")
    return tuple(spans)


def with_spans(label: Label, detector: str, spans: Iterable[Span], settings: Settings) -> Label:
    """The label with what a detector found; never lower than it was."""
    types = dict(label.types)
    level, categories = label.level, set(label.categories)
    for span in spans:
        types[span.type] = types.get(span.type, 0) + 1
        categories.add(taxonomy.category(span.type))
        level = max(level, settings.level(span.type))
    if len(types) == len(label.types) and types == label.types:
        return label
    rules = tuple(dict.fromkeys((*label.rules, f"detector {detector}")))
    return replace(label, level=level, types=types, categories=frozenset(categories), rules=rules)


def with_failure(label: Label, detector: str) -> Label:
    """The label where a detector did not judge: the highest, under every boundary on data."""
    failed = tuple(dict.fromkeys((*label.failed, detector)))
    return replace(label, level=Level.RESTRICTED, failed=failed)
