"""Presidio's places and types as Weir's; what takes the real Presidio is in tests/integration/test_presidio.py."""

import pytest

from gateway.configuration.settings import PresidioSettings
from gateway.detectors.forks import Unready
from gateway.detectors.presidio import PresidioDetector, called, joined, placed
from routers.sensitivity.detector import Span, checked
from routers.sensitivity.label import Segment
from routers.sensitivity.taxonomy import TYPES

SEGMENTS = (Segment("abc"), Segment("defg"))


def test_places_in_the_joined_text_are_places_in_segments() -> None:
    assert joined(SEGMENTS) == "abc\n\ndefg"
    spans = placed([("PERSON", 0, 3), ("PERSON", 5, 9), ("PERSON", 1, 7), ("PERSON", 3, 5)], SEGMENTS)
    assert spans == [
        Span("PERSON", 0, 0, 3),
        Span("PERSON", 1, 0, 4),
        Span("PERSON", 0, 1, 3),
        Span("PERSON", 0, 2, 3),
    ]
    assert checked(spans, SEGMENTS)
    for wrong in ([("PERSON", -1, 2)], [("PERSON", 2, 2)], [("PERSON", 0, 10)]):
        with pytest.raises(ValueError, match="outside"):
            placed(wrong, SEGMENTS)


def test_types_are_called_as_weir_calls_them() -> None:
    assert called("US_PASSPORT") == called("IT_PASSPORT") == "PASSPORT"
    assert called("US_BANK_NUMBER") in TYPES
    assert called("UUID") is None
    assert called("TH_TNIN") == "TH_TNIN"  # unknown here: restricted


def test_an_interpreter_without_presidio_says_what_to_do(tmp_path) -> None:  # type: ignore[no-untyped-def]  # a path
    bare = tmp_path / "python"
    bare.symlink_to("/usr/bin/env")
    with pytest.raises(Unready, match="ended while it was loading"):
        PresidioDetector("names", 1.0, PresidioSettings(python=str(bare)))
