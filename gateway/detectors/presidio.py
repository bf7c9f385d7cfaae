"""Presidio as a detector: its analyzer in a process of its own, and what its types are called here."""

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from gateway.configuration.settings import PresidioSettings
from gateway.detectors.apart import Apart, Task
from routers.sensitivity.detector import Nonsense, Span
from routers.sensitivity.label import Segment

_APART: Final = "\n\n"  # between two segments
_MOST: Final = 4  # texts analysed at a time
_LONGEST: Final = 1_000_000  # characters that spaCy takes: of more it answers nothing

_CALLED: Final[Mapping[str, str]] = MappingProxyType(
    {  # Presidio's types that Weir knows by another name
        "ABA_ROUTING_NUMBER": "US_BANK_ROUTING",
        "DE_HEALTH_INSURANCE": "HEALTH_PLAN_ID",
        "EMAIL": "EMAIL_ADDRESS",
        "ES_NIE": "ES_NIF",
        "FI_PERSONAL_IDENTITY_CODE": "FI_HETU",
        "MEDICAL_LICENSE": "US_DEA",
        "SG_NRIC_FIN": "SG_NRIC",
        "US_BANK_NUMBER": "BANK_ACCOUNT",
        "US_HEALTH_INSURANCE_MEMBER_ID": "HEALTH_PLAN_ID",
        "US_MBI": "HEALTH_PLAN_ID",
        "ZA_ID_NUMBER": "ZA_ID",
    }
)
_HARMLESS: Final = frozenset(  # nobody's, or everybody's
    {
        "UUID",
        "AU_ABN",
        "AU_ACN",
        "CA_POSTAL_CODE",
        "DE_PLZ",
        "DE_VAT_ID",
        "IT_VAT_CODE",
        "SG_UEN",
        "UK_POSTCODE",
    }
)


def called(kind: str) -> str | None:
    """What Weir calls a type of Presidio's; None: it is no finding."""
    if kind in _HARMLESS:
        return None
    return "PASSPORT" if kind.endswith("_PASSPORT") else _CALLED.get(kind, kind)


class PresidioDetector:
    """Presidio in a process of its own, at the site of the gateway itself."""

    def __init__(self, name: str, deadline: float, settings: PresidioSettings) -> None:
        """`deadline` in seconds. Blocks while it loads. Raises Unready."""
        self.name: Final = name
        self._deadline = deadline
        told = {
            "languages": settings.languages,
            "models": dict(settings.spacy_models),
            "score": settings.score,
        }
        self._apart = Apart(
            name, Task("gateway.detectors.presidio_engine:load", told, _MOST, settings.python)
        )
        self._apart.start()

    async def scan(self, segments: Sequence[Segment]) -> Sequence[Span]:
        """As Detector.scan. Raises NotJudged, Unready, Nonsense."""
        text = joined(segments)
        if len(text) > _LONGEST:
            raise Nonsense("more text than it takes")
        answer = await self._apart.ask([text.encode("utf-8", "replace")], self._deadline)
        try:
            return placed(json.loads(answer), segments)
        except (ValueError, TypeError) as error:
            raise Nonsense(type(error).__name__) from None  # the error itself may quote the answer

    def close(self) -> None:
        """End the process, once it has answered what it was asked."""
        self._apart.close()

    async def aclose(self) -> None:
        """As `close`."""
        self.close()


def joined(segments: Sequence[Segment]) -> str:
    """The segments as the one text that Presidio takes."""
    return _APART.join(segment.text for segment in segments)


def placed(found: Iterable[Sequence[Any]], segments: Sequence[Segment]) -> list[Span]:
    """`[type, start, end]` in the joined text as spans of segments; what reaches over a joint ends with its segment.
    Raises ValueError, TypeError."""
    starts, at = [], 0
    for segment in segments:
        starts.append(at)
        at += len(segment.text) + len(_APART)
    spans = []
    for kind, start, end in found:
        if not 0 <= start < end <= at - len(_APART):
            raise ValueError("a place outside the text")
        number = bisect_right(starts, start) - 1
        length = len(segments[number].text)
        first = min(start - starts[number], length - 1)
        type_ = called(kind)
        if type_ is not None:
            spans.append(Span(type_, number, first, min(end - starts[number], length)))
    return spans
