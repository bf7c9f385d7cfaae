"""Recall and false alarms on messages written by hand; see `unseen.py` for which of them rules were mended for."""

import pytest

from routers.sensitivity.classifier import Classifier
from routers.sensitivity.label import Segment
from tests.unit.routers.sensitivity.unseen import messages


@pytest.fixture(params=["quick", "without hyperscan"])
def either(request: pytest.FixtureRequest, classifier: Classifier, plain: Classifier) -> Classifier:
    return classifier if request.param == "quick" else plain


def stays(classifier: Classifier, said: str) -> bool:
    label = classifier.label([Segment(said)])
    assert not label.failed
    return label.must_stay


@pytest.mark.parametrize(
    ("name", "least"), [("first_stays", 0.95), ("second_stays", 0.95), ("third_stays", 0.7)]
)
def test_most_of_it_stays_home(either: Classifier, name: str, least: float) -> None:
    rows = messages(name)
    missed = [(kind, said) for kind, said in rows if not stays(either, said)]
    assert len(missed) <= (1 - least) * len(rows), missed


@pytest.mark.parametrize(
    ("name", "most"), [("first_goes", 0.03), ("second_goes", 0.03), ("third_goes", 0.03)]
)
def test_hardly_any_look_alike_does(either: Classifier, name: str, most: float) -> None:
    rows = messages(name)
    kept = [(kind, said) for kind, said in rows if stays(either, said)]
    assert len(kept) <= most * len(rows), kept
