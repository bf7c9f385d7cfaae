"""An answer that came in one piece is followed back by the pace at which the engine wrote."""

import pytest

from gateway.metering.gpu.facts import SECOND
from gateway.metering.gpu.pace import Pace


def paced(*pages: tuple[float, float, float]) -> Pace:
    """Each second: steps, tokens written, requests worked on."""
    pace = Pace()
    for second, (steps, generated, running) in enumerate(pages):
        pace.saw(running, float(running > 0))
        pace.add(second * SECOND, (second + 1) * SECOND, steps, generated)
    return pace


def test_an_answer_gets_a_token_a_step():
    pace = paced((50, 500, 10), (50, 500, 10), (20, 400, 20))
    assert pace.first(20, 0, 3 * SECOND) == 2 * SECOND
    assert pace.first(45, 0, 3 * SECOND) == pytest.approx(1.5 * SECOND)
    assert pace.by(3 * SECOND) - pace.by(2 * SECOND) == pytest.approx(20)


def test_or_several_where_the_engine_drafts():
    pace = paced((10, 250, 10), (10, 250, 10))
    assert pace.first(25, 0, 2 * SECOND) == SECOND


def test_those_the_engine_still_reads_the_prompts_of_write_nothing():
    assert paced((50, 500, 40)).first(25, 0, SECOND) == SECOND // 2


def test_nothing_was_written_before_it_was_sent():
    pace = paced((50, 500, 10), (50, 500, 10))
    assert pace.first(80, SECOND, 2 * SECOND) == SECOND
    assert pace.first(80_000, 0, 2 * SECOND) == 0


def test_after_the_last_page_it_goes_on_as_before():
    pace = paced((50, 500, 10))
    assert pace.first(50, 0, SECOND + SECOND // 2) == SECOND // 2
    assert pace.first(10, 0, SECOND + SECOND // 2) == pytest.approx(1.3 * SECOND)


def test_what_is_not_known_is_not_guessed():
    assert Pace().first(10, 0, SECOND) is None
    assert paced((50, 500, 10)).first(10, SECOND, 2 * SECOND) is None  # no page since it was sent
    assert paced((0, 0, 0)).first(10, 0, SECOND) is None  # nothing was written


def test_without_pages_time_is_even():
    assert Pace().by(500) - Pace().by(200) == 300
