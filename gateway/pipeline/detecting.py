"""Further detectors are asked where the boundaries let the request's text go, each within its deadline.

One that fails, is late, answers nonsense, or stands where this text may not go has not judged: the label is
then the highest. Those inside are asked first; those outside see a request only under the label it has by then.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from routers.policy.facts import Zone
from routers.policy.policy import Policy
from routers.sensitivity.detector import Detector, Span, checked, with_failure, with_spans
from routers.sensitivity.label import Label, Segment
from routers.sensitivity.settings import Settings
from routers.signals import Signals

_log = logging.getLogger("weir.detectors")


@dataclass(frozen=True, slots=True)
class Stationed:
    """A detector, the zone it stands in, and its deadline in seconds."""

    detector: Detector
    zone: Zone
    deadline: float


class Panel:
    """One snapshot's further detectors."""

    def __init__(self, detectors: Sequence[Stationed], settings: Settings, policy: Policy) -> None:
        inside = tuple(each for each in detectors if each.zone.inside)
        outside = tuple(each for each in detectors if each.zone.outside)
        self._turns: Final = tuple(turn for turn in (inside, outside) if turn)
        self._settings = settings
        self._policy = policy

    @property
    def empty(self) -> bool:
        """Whether there are none."""
        return not self._turns

    async def judged(self, signals: Signals, segments: Sequence[Segment]) -> tuple[Label, tuple[Span, ...]]:
        """The label with all that the detectors have to say, never lower than it was; and the spans they found."""
        label = signals.label
        found: list[Span] = []
        for turn in self._turns:
            sent = replace(signals, label=label)
            answers = await asyncio.gather(*(self._asked(each, sent, segments) for each in turn))
            for each, spans in zip(turn, answers, strict=True):
                label = self._after(label, each.detector.name, spans)
                found += spans or ()
        return label, tuple(found)

    async def aclose(self) -> None:
        """Close what is idle. Who still waits for a detector has no judgement of it."""
        await asyncio.gather(*(each.detector.aclose() for turn in self._turns for each in turn))

    def _after(self, label: Label, name: str, spans: tuple[Span, ...] | None) -> Label:
        if spans is None:
            return with_failure(label, name)
        return with_spans(label, name, spans, self._settings)

    async def _asked(
        self, each: Stationed, signals: Signals, segments: Sequence[Segment]
    ) -> tuple[Span, ...] | None:
        """What it found; None: it did not judge."""
        if not self._policy.admits(signals, each.zone):
            return None
        try:
            async with asyncio.timeout(each.deadline):
                return checked(await each.detector.scan(segments), segments)
        except Exception as error:  # noqa: BLE001  # whatever breaks, what was not judged counts as the most sensitive
            _log.warning("the detector %s did not judge: %s", each.detector.name, type(error).__name__)
            return None
