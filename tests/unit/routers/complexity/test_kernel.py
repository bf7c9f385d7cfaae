"""The kernel finds a smooth truth under noise, beyond its own centres; mixtures stay near what they are mixed from."""

import numpy as np
import pytest

from routers.complexity import kernel
from routers.complexity.kernel import Floats, fit_kernel, mixed


def noisy(rows: int, draw: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Facts, a truth that bends, and labels of which half is noise."""
    facts = draw.uniform(-3, 3, (rows, 6))
    truth = 0.2 * np.sin(facts[:, 0]) + 0.1 * facts[:, 1] * (facts[:, 2] > 0)
    return facts, truth, truth + draw.normal(0, 0.2, rows)


@pytest.mark.parametrize("centres", [2_000, 150])
def test_it_finds_a_smooth_truth_under_noise(centres: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "CENTRES", centres)
    draw = np.random.default_rng(1)
    facts, _, labels = noisy(1_500, draw)
    unseen, truth, _ = noisy(500, draw)
    said = fit_kernel(facts, labels, np.random.default_rng(0))(unseen)
    assert np.corrcoef(said, truth)[0, 1] > 0.85


def test_the_same_rows_say_the_same_and_far_from_all_rows_it_says_nothing() -> None:
    facts, _, labels = noisy(200, np.random.default_rng(2))
    one, two = (fit_kernel(facts, labels, np.random.default_rng(0)) for _ in range(2))
    assert np.array_equal(one(facts), two(facts))
    assert np.abs(one(np.full((1, 6), 60.0))).max() < 1e-9


def test_mixtures_come_from_the_rows_and_leave_alone_what_never_differs() -> None:
    facts, _, _ = noisy(50, np.random.default_rng(3))
    facts[:, 3] = 1.5
    made = mixed(facts, 400, np.random.default_rng(0))
    assert made.shape == (400, 6)
    assert (made[:, 3] == 1.5).all()
    nearest = np.abs(made[:, 0][:, None] - facts[:, 0]).min(axis=1)
    assert nearest.max() < 1.5
    assert mixed(facts, 0, np.random.default_rng(0)).shape == (0, 6)
