"""The cycle collector is held off for as long as anybody works on something large, and left as it was found."""

import gc
from collections.abc import Iterator

import pytest

from gateway.dispatch.undisturbed import Undisturbed


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """However a test ends, the others have the collector."""
    yield
    gc.enable()


def test_it_is_off_until_the_last_of_two_has_left() -> None:
    undisturbed = Undisturbed()
    with undisturbed:
        with undisturbed:
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_runs_again_behind_an_error() -> None:
    with pytest.raises(ValueError, match="large"), Undisturbed():
        raise ValueError("large")
    assert gc.isenabled()


def test_where_it_was_off_before_it_stays_so() -> None:
    gc.disable()
    with Undisturbed():
        pass
    assert not gc.isenabled()
