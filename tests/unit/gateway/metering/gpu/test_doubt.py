"""What the engine computed, less what is clear, is what unclear prompts took."""

import pytest

from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.doubt import Doubt, missed

DOUBT = Doubt(computed=300.0, variance=50_000.0)


def ours(computed: float, prompts: float) -> Counted:
    return Counted(computed=computed, prompts=prompts)


@pytest.mark.parametrize("told", [200.0, 500.0, 900.0])
def test_the_difference_goes_to_what_varies(told):
    more = missed(ours(told, 1_000), ours(500, 1_000), DOUBT)
    assert 500 + more * DOUBT.variance == pytest.approx(told)


@pytest.mark.parametrize("prompts", [700.0, 1_400.0])
def test_prompts_of_others_or_of_the_window_beside_tell_nothing(prompts):
    assert missed(ours(900, prompts), ours(500, 1_000), DOUBT) == 0


def test_without_counters_or_doubt_there_is_nothing_to_put_right():
    assert missed(None, ours(500, 1_000), DOUBT) == 0
    assert missed(ours(900, 1_000), ours(500, 1_000), Doubt()) == 0


def test_doubts_add_up():
    assert DOUBT.plus(Doubt(100.0, 1.0)) == Doubt(400.0, 50_001.0)
