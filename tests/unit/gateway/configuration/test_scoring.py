"""Weights of one's own: found beside the YAML, known to be good, part of what changes a policy; refused otherwise."""

import json
from pathlib import Path

import pytest

from gateway.cli.router_weights import shipped
from gateway.configuration.problems import ConfigurationErrors
from routers.complexity.weights import LARGEST, Weights

LINE = "complexity: {weights: own.weights}\n"


def own(quantile: float) -> bytes:
    """The shipped weights with another card."""
    return Weights.from_bytes(shipped()).with_card({"quantiles": [0.1, quantile]}).to_bytes()


def test_weights_are_read_with_the_snapshot(loaded, small, tmp_path):
    (tmp_path / "own.weights").write_bytes(own(0.5))
    first = loaded(small + LINE)
    assert first.complexity.weights == own(0.5)
    assert str(tmp_path / "own.weights") in first.files
    (tmp_path / "own.weights").write_bytes(own(0.6))
    second = loaded(small + LINE)
    assert second.hash != first.hash
    assert second.policy.hash != first.policy.hash
    assert loaded(small).complexity.weights is None
    json.dumps(second.redacted())


BAD = {
    "wrong version": lambda: shipped()[:8] + b"\x63" + shipped()[9:],
    "damaged": lambda: shipped()[:-1] + b"x",
    "no weights": lambda: b"nonsense" * 20,
    "too big": lambda: bytes(LARGEST + 1),
    "descending": lambda: own(0.05),
}
SAID = {
    "wrong version": "the weights have version 99, this program reads version 1",
    "damaged": "the weights are damaged: their checksum does not match",
    "no weights": "these are not complexity weights",
    "too big": "the weights have more than 3 MB",
    "descending": "the weights' quantiles do not ascend",
}


@pytest.mark.parametrize("name", BAD)
def test_weights_that_will_not_do_are_refused_where_they_are_named(loaded, small, tmp_path: Path, name):
    (tmp_path / "own.weights").write_bytes(BAD[name]())
    with pytest.raises(ConfigurationErrors) as caught:
        loaded(small + LINE)
    (problem,) = caught.value.problems
    assert (problem.place.line, problem.place.file.endswith("a.yaml")) == (19, True)
    assert problem.message == f"{tmp_path / 'own.weights'}: {SAID[name]}"
    assert "weir router train" in problem.suggestion


def test_a_file_that_is_not_there_is_named(loaded, small):
    with pytest.raises(ConfigurationErrors, match=r"there is no file .*own\.weights"):
        loaded(small + LINE)
