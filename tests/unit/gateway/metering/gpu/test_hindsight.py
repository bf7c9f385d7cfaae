"""What was counted late is put back to when it was done, before costs are learned from it."""

import pytest

from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.facts import SECOND, Coefficients
from gateway.metering.gpu.hindsight import Hindsight, Prompt
from gateway.metering.gpu.learning import Learner

COSTS = Coefficients(step=0.01, prompt=0.001, context=0.0, attention=0.0)


class Seen(Learner):
    """Takes note of the prompt tokens it is told of, by window."""

    def __init__(self) -> None:
        super().__init__(COSTS)
        self.computed: dict[int, float] = {}

    def add(self, window, busy, counted, replica=None):
        super().add(window, busy, counted, replica)
        self.computed[window] = counted.computed


def learned(prompts: list[Prompt]) -> dict[int, float]:
    """The prompt tokens learned of, by window (0 left out), where prompts are counted when they are done."""
    learner = Seen()
    hindsight = Hindsight(learner, "r0")
    for number in range(80):
        span = (number * SECOND, (number + 1) * SECOND)
        own = [prompt for prompt in prompts if span[0] <= prompt.done_ns < span[1]]
        counted = Counted(computed=sum(prompt.computed for prompt in own))
        hindsight.add(number, span, 1.0, counted, own, usual=1.0)
    return {number: tokens for number, tokens in learner.computed.items() if tokens}


def prompt(sent: float, done: float, computed: float) -> Prompt:
    return Prompt(int(sent * SECOND), int(done * SECOND), computed, 0.0)


def test_a_long_prompt_was_computed_since_it_was_sent():
    assert learned([prompt(2.5, 4.5, 4_000)]) == pytest.approx({2: 1_000, 3: 2_000, 4: 1_000})


def test_or_since_the_one_before_it_was_done():
    seen = learned([prompt(2, 4, 2_000), prompt(2, 6, 2_000)])
    assert seen == pytest.approx({2: 1_000, 3: 1_000, 4: 1_000, 5: 1_000})


def test_one_that_waited_for_room_was_computed_when_its_computing_fits():
    seen = learned([prompt(1, 9.5, 1_000)])
    assert seen == pytest.approx({6: 1_000 / 6, 7: 1_000 / 3, 8: 1_000 / 3, 9: 1_000 / 6})


def test_those_sent_later_that_overtake_it_were_computed_beside_it():
    seen = learned([prompt(0, 2, 2_000), prompt(1, 6.5, 4_000), prompt(2.9, 3, 10), prompt(6, 6.2, 10)])
    alone = learned([prompt(0, 2, 2_000), prompt(1, 6.5, 4_000)])
    assert alone == pytest.approx({0: 1_000, 1: 1_000, 6: 4_000 / 9} | dict.fromkeys((2, 3, 4, 5), 8_000 / 9))
    assert sum(seen.values()) == pytest.approx(sum(alone.values()) + 20)
    assert all(abs(seen[number] - alone[number]) <= 10 for number in alone)


def test_one_waits_for_the_last_done_of_all_that_were_sent_before_it():
    seen = learned([prompt(0, 4, 1_000), prompt(1, 2, 1_000), prompt(1.5, 6, 2_000)])
    assert [seen[4], seen[5]] == pytest.approx([1_000, 1_000])


def test_windows_go_to_the_learner_with_nothing_lost():
    prompts = [prompt(at, at + 3.7, 3_000 + at) for at in range(0, 40, 2)]
    assert sum(learned(prompts).values()) == pytest.approx(sum(each.computed for each in prompts))


def test_what_was_computed_before_all_that_is_held_stays_where_it_was_counted():
    assert learned([prompt(0, 40.5, 30_000)])[40] > 10_000


def test_of_a_window_with_a_great_many_none_is_put_back():
    many = [prompt(3.9, 4.0 + i / 2_000, 10) for i in range(1_000)]
    assert learned(many) == {4: 10_000}
    assert learned(many[:10])[3] > 0
