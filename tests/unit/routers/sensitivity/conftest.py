"""Classifiers for the tests: the quick engine and the one that needs no wheel."""

from collections.abc import Callable

import pytest

from routers.sensitivity.classifier import Classifier, Verdict, triggers
from routers.sensitivity.engine import Engine, compile_triggers
from routers.sensitivity.label import Segment
from routers.sensitivity.plain import PlainEngine
from routers.sensitivity.settings import Settings


@pytest.fixture(scope="session")
def engine() -> Engine:
    return compile_triggers(triggers())


@pytest.fixture(scope="session")
def classifier(engine: Engine) -> Classifier:
    return Classifier(Settings(), engine)


@pytest.fixture(scope="session")
def plain() -> Classifier:
    return Classifier(Settings(), PlainEngine(triggers()))


@pytest.fixture(scope="session")
def found(classifier: Classifier, plain: Classifier) -> Callable[[str], set[str]]:
    """The types found in a text; whatever is tested with it is found by both engines."""

    def types(text: str) -> set[str]:
        found = set(classifier.label([Segment(text)]).types)
        assert set(plain.label([Segment(text)]).types) == found, "the plain engine finds something else"
        return found

    return types


@pytest.fixture(scope="session")
def judged(classifier: Classifier) -> Callable[..., Verdict]:
    """The verdict on segments of (origin, text)."""
    return lambda *texts: classifier.verdict([Segment(text, origin) for origin, text in texts])
