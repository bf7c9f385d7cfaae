"""The usual price level, and the cap on what one window pays."""

from gateway.metering.gpu.facts import SECOND
from gateway.metering.gpu.level import PriceLevel


def settled() -> PriceLevel:
    level = PriceLevel(windows=10, cap=1.25, settled_after=5.0)
    for _ in range(6):
        level.remember(1.0, 0.5)
    return level


def test_a_window_pays_what_its_work_explains_at_no_more_than_the_cap():
    level = settled()
    assert level.usual == 2.0
    assert level.paid(10 * SECOND, 1.0, over=False) == int(2.5 * SECOND)
    assert level.paid(SECOND, 1.0, over=False) == SECOND
    assert level.paid(SECOND, 0.0, over=False) == 0


def test_all_is_paid_where_nothing_later_explains_it_or_the_level_is_not_known_yet():
    assert settled().paid(10 * SECOND, 0.0, over=True) == 10 * SECOND
    fresh = PriceLevel(windows=10, cap=1.25, settled_after=5.0)
    fresh.remember(1.0, 0.5)
    assert fresh.paid(10 * SECOND, 0.1, over=False) == 10 * SECOND


def test_old_windows_are_forgotten():
    level = settled()
    for _ in range(10):
        level.remember(1.0, 1.0)
    assert level.usual == 1.0
