"""A request's redacted form, where a boundary would let it go outside redacted: made, checked, and judged from scratch.

Whatever is not certain ends here without one, and the request stays home: a value that cannot be replaced, one that
can still be read afterwards, a detector that did not judge, a fault of any kind. Values are held for the request's
own life and told to nobody: reasons, records and metrics know types and counts.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from adapters.call import Call
from adapters.dialects.ingress import INGRESS
from adapters.document import Document
from adapters.redacting import DIALECTS, CannotRewrite, RedactedCall, rewritten
from adapters.visible import visible
from gateway.dispatch.job import Redacted
from gateway.pipeline.judge import Judge
from gateway.pipeline.reading import segments_of
from routers.sensitivity import redaction
from routers.sensitivity.detector import Span
from routers.sensitivity.label import Label, Level, Segment
from routers.sensitivity.redaction import Plan

LARGEST: Final = 1024 * 1024  # bytes of a body; a longer one is not redacted
LONG: Final = 16 * 1024  # bytes of a body that is rewritten in a thread, so as not to hold the loop

_log = logging.getLogger("weir.redaction")


@dataclass(frozen=True, slots=True)
class Redaction:
    """What came of it: the form and how many values it replaces by type, or no form, and why."""

    form: Redacted | None
    counts: Mapping[str, int] = field(default_factory=dict)
    why: str = ""

    @property
    def told(self) -> str:
        """The same in a sentence, for the decision's reasons."""
        if self.form is None:
            return f"not redacted: {self.why}"
        counted = ", ".join(f"{count} {type_}" for type_, count in self.counts.items())
        return f"redacted where a boundary asks for it: {counted}{self.why and f'; {self.why}'}"


async def redact(
    judge: Judge,
    call: Call,
    original: Label,
    spans: Sequence[Span],
    again: Callable[[Call], Awaitable[Label]],
    remembered: Label | None = None,
) -> Redaction:
    """The redacted form of a call. `original` is its label, `spans` what further detectors found in it, `again`
    judges a call from scratch, `remembered` is what of its conversation no redaction takes away."""
    if call.dialect not in DIALECTS:
        return Redaction(None, why=f"{call.dialect} requests are not")
    if len(call.document.body) > LARGEST:
        return Redaction(None, why=f"it is longer than {LARGEST} bytes")
    try:
        return await _redact(judge, call, original, spans, again, remembered)
    except CannotRewrite as fault:
        return Redaction(None, why=str(fault))
    except Exception as fault:  # noqa: BLE001  # whatever breaks, nothing was redacted: it stays home
        _log.warning("a request could not be redacted: %s", type(fault).__name__)
        return Redaction(None, why="redacting it failed")


async def _redact(
    judge: Judge,
    call: Call,
    original: Label,
    spans: Sequence[Span],
    again: Callable[[Call], Awaitable[Label]],
    remembered: Label | None,
) -> Redaction:
    segments = segments_of(visible(call.document.values, call.dialect, call.headers))
    plan = redaction.plan(await judge.seen(segments), _elsewhere(spans, segments))
    left = f"{', '.join(sorted(plan.left))} cannot be replaced with certainty" if plan.left else ""
    if not plan.placeholders:
        return Redaction(None, why=left or "nothing in it can be replaced")
    size = len(call.document.body)
    form = _form(call, plan) if size < LONG else await asyncio.to_thread(_form, call, plan)
    if form is None:
        return Redaction(None, why="a value stands where it cannot be replaced")
    label = redaction.left_over(original, await again(form), plan.replaced, judge.settings)
    if remembered is not None:
        label = _with(label, remembered)
    values = {name: value for value, name in plan.placeholders.items()}
    return Redaction(Redacted(RedactedCall(form, values), label), plan.counts, left)


def _form(call: Call, plan: Plan) -> Call | None:
    """The call with placeholders for values; None where a value can still be read in it."""
    document = rewritten(call, lambda text: redaction.replaced(text, plan.placeholders))
    if redaction.remains(plan.placeholders, _texts(call, document)):
        return None
    return INGRESS[call.dialect].read(document, call.headers)


def _texts(call: Call, document: Document) -> Iterable[str]:
    """Everything that would be sent, as text."""
    yield from (text for _, text in visible(document.values, call.dialect, call.headers).texts)
    yield document.text
    yield from (value.decode("latin-1") for _, value in call.headers)


def _elsewhere(spans: Sequence[Span], segments: Sequence[Segment]) -> Iterable[tuple[str, str]]:
    """What further detectors found, as (type, value)."""
    return ((span.type, segments[span.segment].text[span.start : span.end]) for span in spans)


def _with(label: Label, remembered: Label) -> Label:
    return replace(
        label,
        level=Level(max(label.level, remembered.level)),
        categories=label.categories | remembered.categories,
    )
