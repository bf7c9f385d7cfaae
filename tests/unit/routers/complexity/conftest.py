"""The weights that ship, as tests of the room use them."""

from importlib.resources import files

import pytest

from routers.complexity.scorer import Scorer


@pytest.fixture(scope="session")
def scorer() -> Scorer:
    return Scorer.from_bytes(files("routers.complexity").joinpath("default.weights").read_bytes())
