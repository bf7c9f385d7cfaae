"""`weir`: the verbs are listed at once, and each of them loads."""

import pytest
from click.testing import CliRunner

from gateway.cli.root import _VERBS, weir


def test_help_lists_every_verb_without_loading_any() -> None:
    out = CliRunner().invoke(weir, ["--help"]).output
    assert all(verb in out for verb in _VERBS)


@pytest.mark.parametrize("verb", list(_VERBS))
def test_every_verb_has_help_worth_reading(verb: str) -> None:
    result = CliRunner().invoke(weir, [verb, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 5


def test_a_near_miss_is_suggested() -> None:
    result = CliRunner().invoke(weir, ["explian"])
    assert result.exit_code == 2
    assert "Did you mean 'explain'?" in result.output
