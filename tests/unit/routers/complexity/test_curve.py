"""The metrics, against hand-made cases whose answers are known."""

import numpy as np
import pytest

from routers.complexity import curve

GAIN = np.array([1.0, 1.0, 0.0, 0.0])


def test_an_ordered_score_a_constant_and_a_reversed_one() -> None:
    assert curve.apgr(np.array([4.0, 3.0, 2.0, 1.0]), GAIN)[0] == pytest.approx(0.75)
    assert curve.apgr(np.zeros(4), GAIN)[0] == pytest.approx(0.5)
    assert curve.apgr(np.array([1.0, 2.0, 3.0, 4.0]), GAIN)[0] == pytest.approx(0.25)


def test_cpt_is_where_the_share_of_the_gap_is_first_recovered() -> None:
    best = np.array([4.0, 3.0, 2.0, 1.0])
    assert curve.cpt(best, GAIN, 0.5)[0] == pytest.approx(25)
    assert curve.cpt(best, GAIN, 0.8)[0] == pytest.approx(40)
    assert curve.cpt(np.zeros(4), GAIN, 0.8)[0] == pytest.approx(80)


def test_resamples_count_rows_as_repeating_them_would() -> None:
    draw = np.random.default_rng(3)
    scores, gain = draw.random(30), draw.normal(0.3, 1, 30)
    counts = curve.resamples(30, 5, draw)
    for one in counts:
        rows = np.repeat(np.arange(30), one.astype(int))
        assert curve.apgr(scores, gain, one[None])[0] == pytest.approx(
            curve.apgr(scores[rows], gain[rows])[0]
        )
        assert curve.cpt(scores, gain, 0.8, one[None])[0] == pytest.approx(
            curve.cpt(scores[rows], gain[rows], 0.8)[0]
        )


def test_a_score_leads_noise_and_does_not_lead_itself() -> None:
    draw = np.random.default_rng(4)
    gain = (draw.random(800) < 0.3).astype(float)
    scores, counts = gain + draw.normal(0, 1, 800), curve.resamples(800, 200, draw)
    assert curve.lead(scores, draw.random(800), gain, counts).low > 0
    same = curve.lead(scores, scores, gain, counts)
    assert (same.low, same.high) == (0, 0)


def test_the_lowest_share_asks_for_more_than_the_point_estimate() -> None:
    draw = np.random.default_rng(5)
    gain = (draw.random(400) < 0.3).astype(float)
    scores = gain + draw.normal(0, 1, 400)
    share, kept = curve.lowest_share(scores, gain, 0.8, curve.resamples(400, 200, draw))
    assert 100 * share > curve.cpt(scores, gain, 0.8)[0]
    assert kept.value > 0.8
    assert kept.low < kept.value < kept.high


def test_reliability_of_a_score_that_says_the_truth() -> None:
    draw = np.random.default_rng(6)
    scores = draw.random(5_000)
    bands = curve.reliability(scores, (draw.random(5_000) < scores).astype(float))
    assert sum(band.rows for band in bands) == 5_000
    assert curve.calibration_error(bands) < 0.03
    assert curve.calibration_error(curve.reliability(scores, np.ones(5_000))) > 0.4
