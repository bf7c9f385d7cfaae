"""Cached shares: told by the engine, or learned from what it computed."""

import numpy as np
import pytest

from gateway.metering.gpu.cached import CachedShares


def test_an_engine_that_tells_is_believed():
    shares = CachedShares()
    assert shares.told("agents", 1_000, 900) == 900
    assert shares.of("agents", 2_000) == 1_800
    assert shares.told("agents", 1_000, 0) == 0
    assert shares.of("agents", 1_000) == pytest.approx(810, abs=1)
    assert shares.of("never seen", 1_000) == 0


def test_how_much_shares_vary_is_known_by_cohort():
    shares = CachedShares()
    for number in range(60):
        shares.told("agents", 1_000, 960 * (number % 2))
        shares.told("rag", 1_000, 40)
    assert shares.variance("agents") > 0.15
    assert shares.variance("rag") < 0.001
    assert shares.variance("never seen") > 0.05


def test_shares_are_learned_from_an_engine_that_never_tells():
    shares, random = CachedShares(), np.random.default_rng(3)
    hits = {"agents": 0.9, "chat": 0.5, "rag": 0.0}
    for _ in range(60 * 15):
        asked = {name: float(random.integers(0, 20_000)) for name in hits if random.random() < 0.7}
        computed = sum(tokens * (1 - hits[name]) for name, tokens in asked.items())
        shares.counted(asked, computed, sum(asked.values()))
    for name, hit in hits.items():
        assert shares.of(name, 10_000) == pytest.approx(hit * 10_000, abs=300)
    assert shares.told("agents", 10_000, 0) == pytest.approx(9_000, abs=300)


def test_windows_of_others_traffic_teach_nothing():
    shares = CachedShares()
    for _ in range(30):
        shares.counted({"chat": 100.0}, 0.0, 10_000.0)
    assert shares.of("chat", 1_000) == 0


def test_memory_of_cohorts_is_bounded():
    shares = CachedShares()
    for number in range(5_000):
        shares.told(number, 100, 50)
    assert len(shares._told) <= 512
