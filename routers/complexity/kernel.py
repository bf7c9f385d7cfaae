"""What tasks with such facts gain, from few and noisy labels: a smooth kernel, which trees are then fitted to."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

REACH: Final = 4.0  # distance in scaled facts over which one task tells of another
CALM: Final = 3.0  # ridge penalty: how much of the labels is taken for noise
CENTRES: Final = 1_200  # tasks the kernel is spanned by, at most


def fit_kernel(facts: Floats, gain: Floats, draw: np.random.Generator) -> Callable[[Floats], Floats]:
    """Ridge on a Gaussian kernel around at most CENTRES of the rows: what to expect at any facts."""
    centres = facts[np.sort(draw.permutation(len(facts))[:CENTRES])]

    def near(rows: Floats) -> Floats:
        square = (rows**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1) - 2 * rows @ centres.T
        out: Floats = np.exp(-np.maximum(square, 0.0) / (2 * REACH**2))
        return out

    among = near(centres)
    gram, moment = CALM * among + 1e-6 * np.eye(len(centres)), np.zeros(len(centres))
    for at in range(0, len(facts), CENTRES):  # in slices: a table may be large
        rows = near(facts[at : at + CENTRES])
        gram += rows.T @ rows
        moment += rows.T @ gain[at : at + CENTRES]
    weights = np.linalg.solve(gram, moment)

    def expected(rows: Floats) -> Floats:
        return np.concatenate(
            [near(rows[at : at + CENTRES]) @ weights for at in range(0, len(rows), CENTRES)]
        )

    return expected


def mixed(facts: Floats, count: int, draw: np.random.Generator) -> Floats:
    """Facts of so many tasks that could be: most from one row, some from another, and each moved a little."""
    one, other = draw.integers(len(facts), size=(2, count))
    crossed = np.where(draw.random((count, facts.shape[1])) < 0.15, facts[other], facts[one])
    moved: Floats = crossed + 0.3 * draw.standard_normal(crossed.shape) * (np.ptp(facts, axis=0) > 0)
    return moved
