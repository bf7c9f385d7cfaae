"""Ratios that ended answers teach."""

import pytest

from gateway.metering.gpu.usual import Usual


def test_it_is_one_until_taught():
    usual = Usual()
    assert usual.ratio == 1.0
    usual.add(5, 0)
    assert usual.ratio == 1.0


def test_long_answers_count_for_more_and_old_ones_for_less():
    usual = Usual()
    usual.add(10, 10)
    usual.add(300, 100)
    assert usual.ratio == pytest.approx(2.8, rel=0.02)
    for _ in range(400):
        usual.add(20, 10)
    assert usual.ratio == pytest.approx(2.0, rel=0.01)


def test_it_stays_within_reason():
    usual = Usual()
    usual.add(10_000, 1)
    assert usual.ratio == 16.0
