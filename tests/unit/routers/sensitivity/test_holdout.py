"""Recall and false positives on messages that the rules were not made for, with both engines."""

from collections import Counter

import pytest

from routers.sensitivity.classifier import Classifier
from routers.sensitivity.label import Segment
from tests.unit.routers.sensitivity.holdout import HARMLESS, hidden, spoken

Rows = list[tuple[str, str]]


@pytest.fixture(params=["quick", "without hyperscan"])
def either(request: pytest.FixtureRequest, classifier: Classifier, plain: Classifier) -> Classifier:
    return classifier if request.param == "quick" else plain


def missed(classifier: Classifier, rows: Rows) -> Counter[str]:
    return Counter(kind for kind, said in rows if not classifier.label([Segment(said)]).must_stay)


@pytest.mark.parametrize(("rows", "least"), [(spoken(), 0.98), (hidden(), 0.96)], ids=["spoken", "hidden"])
def test_nearly_all_of_it_stays_home(either: Classifier, rows: Rows, least: float) -> None:
    found = missed(either, rows)
    assert sum(found.values()) <= (1 - least) * len(rows), found


def test_other_values_are_found_as_well(classifier: Classifier) -> None:
    for seed in range(5):
        rows = spoken(seed) + hidden(seed)
        found = missed(classifier, rows)
        assert sum(found.values()) <= 0.03 * len(rows), found


def test_hardly_anything_harmless_does(either: Classifier) -> None:
    flagged = [said for said in HARMLESS if either.label([Segment(said)]).must_stay]
    assert len(flagged) <= 0.07 * len(HARMLESS), flagged  # most of them are look-alikes
