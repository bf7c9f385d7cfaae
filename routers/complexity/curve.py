"""How much of the strong model's advantage a score recovers for how many strong calls. Needs numpy (`[train]`).

RouteLLM's words: PGR is the share of the gap between the weak and the strong model that is recovered; APGR its mean
over all shares of strong calls (a random score gives 0.5); CPT80 the share of strong calls that recovers 80% of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Metric = Callable[[Floats, Floats, Floats | None], Floats]
_LEAST_GAP: Final = 1e-6  # mean gain under which a resample has no gap to recover


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and its 95% bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One score on one set of labels. CPT in percent of calls."""

    apgr: Interval
    cpt50: Interval
    cpt80: Interval


def resamples(rows: int, count: int, draw: np.random.Generator) -> Floats:
    """Bootstrap resamples as counts per row, (count, rows); the caller brings the randomness."""
    return draw.multinomial(rows, np.full(rows, 1 / rows), size=count).astype(np.float64)


def _cumulated(scores: Floats, gain: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Calls and gain cumulated from the highest score down, (resamples, distinct scores + 1); ties move as one."""
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=np.inf))
    calls = np.add.reduceat(counts[:, order], starts, axis=1)
    gains = np.add.reduceat(counts[:, order] * gain[order], starts, axis=1)
    zero = np.zeros((len(counts), 1))
    return (
        np.concatenate([zero, np.cumsum(calls, axis=1)], axis=1),
        np.concatenate([zero, np.cumsum(gains, axis=1)], axis=1),
    )


def apgr(scores: Floats, gain: Floats, counts: Floats | None = None) -> Floats:
    """APGR per resample (of the rows as they are, without `counts`); NaN where a resample has no gap."""
    counts = np.ones((1, len(gain))) if counts is None else counts
    calls, gains = _cumulated(scores, gain, counts)
    total = gains[:, -1]
    area = ((gains[:, 1:] + gains[:, :-1]) / 2 * np.diff(calls, axis=1)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        out: Floats = np.where(total / calls[:, -1] > _LEAST_GAP, area / (total * calls[:, -1]), np.nan)
    return out


def cpt(scores: Floats, gain: Floats, share: float, counts: Floats | None = None) -> Floats:
    """Percent of strong calls that first recover `share` of the gap, per resample."""
    counts = np.ones((1, len(gain))) if counts is None else counts
    calls, gains = _cumulated(scores, gain, counts)
    wanted = share * gains[:, -1:]
    first = np.argmax(gains >= wanted - 1e-12, axis=1)
    row = np.arange(len(counts))
    before = np.maximum(first - 1, 0)
    rise = gains[row, first] - gains[row, before]
    part = np.where(rise > 0, (wanted[:, 0] - gains[row, before]) / np.where(rise > 0, rise, 1), 0.0)
    at = calls[row, before] + part * (calls[row, first] - calls[row, before])
    out: Floats = np.where(gains[:, -1] > 0, 100 * at / calls[:, -1], np.nan)
    return out


def measure(scores: Floats, gain: Floats, counts: Floats) -> Measured:
    """APGR, CPT50 and CPT80 with intervals from these resamples.

    `scores` is (rows,), or (repeats, rows) for scores from several cross-validations, whose figures are averaged: the
    way folds are dealt then matters less.
    """
    return Measured(
        _interval(_mean(apgr, scores, gain), _mean(apgr, scores, gain, counts)),
        _interval(_mean(_cpt50, scores, gain), _mean(_cpt50, scores, gain, counts)),
        _interval(_mean(_cpt80, scores, gain), _mean(_cpt80, scores, gain, counts)),
    )


def lead(scores: Floats, other: Floats, gain: Floats, counts: Floats) -> Interval:
    """By how much APGR beats another score's on the same resamples: the interval of the paired difference."""
    value = _mean(apgr, scores, gain) - apgr(other, gain)
    return _interval(value, _mean(apgr, scores, gain, counts) - apgr(other, gain, counts))


def _cpt50(scores: Floats, gain: Floats, counts: Floats | None = None) -> Floats:
    return cpt(scores, gain, 0.5, counts)


def _cpt80(scores: Floats, gain: Floats, counts: Floats | None = None) -> Floats:
    return cpt(scores, gain, 0.8, counts)


def _mean(metric: Metric, scores: Floats, gain: Floats, counts: Floats | None = None) -> Floats:
    """A metric's mean over repeats, per resample."""
    out: Floats = np.mean([metric(each, gain, counts) for each in np.atleast_2d(scores)], axis=0)
    return out


def _interval(value: Floats, drawn: Floats) -> Interval:
    known = drawn[np.isfinite(drawn)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return Interval(float(value[0]), float(low), float(high))


def points(scores: Floats, gain: Floats, at: Floats, counts: Floats | None = None) -> Floats:
    """PGR where a share `at` of the calls goes to the strong model, (resamples, len(at))."""
    counts = np.ones((1, len(gain))) if counts is None else counts
    calls, gains = _cumulated(scores, gain, counts)
    rows = [
        np.interp(at, call / call[-1], won / won[-1]) if won[-1] > 0 else np.full(len(at), np.nan)
        for call, won in zip(calls, gains, strict=True)
    ]
    return np.array(rows)


@dataclass(frozen=True, slots=True)
class Bin:
    """Scores of one band, and how often the strong model was needed there."""

    low: float
    high: float
    rows: int
    score: float  # mean
    needed: float  # share


def reliability(scores: Floats, needed: Floats, bins: int = 10) -> tuple[Bin, ...]:
    """Bands of equally many scores, with what was said and what happened."""
    order = np.argsort(scores, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return tuple(
        Bin(
            float(scores[part[0]]),
            float(scores[part[-1]]),
            len(part),
            float(scores[part].mean()),
            float(needed[part].mean()),
        )
        for part in parts
    )


def calibration_error(bands: tuple[Bin, ...]) -> float:
    """Mean distance between said and happened, weighted by rows (ECE)."""
    rows = sum(band.rows for band in bands) or 1
    return sum(band.rows * abs(band.score - band.needed) for band in bands) / rows


def lowest_share(
    scores: Floats, gain: Floats, target: float, counts: Floats, level: float = 0.05
) -> tuple[float, Interval]:
    """The smallest share of strong calls whose PGR is at least `target` with confidence 1 - `level`; 1 if none is.

    Shares are walked down from 1 and the walk stops at the first that fails, which keeps the confidence over all
    shares tried. Returns the share and the PGR there with its 95% interval.
    """
    shares = np.linspace(1, 0, 101)
    drawn = points(scores, gain, shares, counts)
    low = np.nanquantile(drawn, level, axis=0)
    failed = np.flatnonzero(low < target)
    last = int(failed[0]) - 1 if len(failed) else len(shares) - 1
    last = max(last, 0)
    value = points(scores, gain, shares[last : last + 1])[0]
    return float(shares[last]), _interval(value, drawn[:, last])
