"""A fit finds what the samples were made of, and says so only as surely as they allow."""

import random

import pytest

from gateway.metering.gpu.calibration import Sample, fit

LATENCY, STEP, PROMPT, CONTEXT, ATTENTION = 0.004, 0.008, 3e-5, 5e-8, 2e-5
LENGTHS = (500, 2_000, 5_000, 9_000, 14_000)


def samples(noise: float, each: int = 5, *, cached: int = 0, seed: int = 5) -> list[Sample]:
    drawn = random.Random(seed)  # noqa: S311  # noise
    made = []
    for length in LENGTHS * each:
        computed = length - cached
        first = LATENCY + PROMPT * (computed + ATTENTION * computed * (cached + computed / 2))
        rest = 31 * (STEP + CONTEXT * (length + 16))
        made.append(Sample(computed, cached, 32, first * drawn.gauss(1, noise), rest * drawn.gauss(1, noise)))
    return made


@pytest.mark.parametrize("cached", [0, 200])
def test_what_went_in_comes_out(cached):
    found = fit(samples(0.0, cached=cached))
    assert found.step.value == pytest.approx(STEP, rel=1e-3)
    assert found.prompt.value == pytest.approx(PROMPT, rel=1e-3)
    assert found.context.value == pytest.approx(CONTEXT, rel=1e-2)
    assert found.attention.value == pytest.approx(ATTENTION, rel=1e-2)
    assert found.latency.value == pytest.approx(LATENCY, rel=1e-2)
    assert found.step.sure
    assert found.prompt.sure
    assert max(found.missed) < 1e-6


def test_noise_widens_the_intervals_and_more_samples_narrow_them():
    assert fit(samples(0.05, 3)).step.spread > fit(samples(0.05, 30)).step.spread
    assert not fit(samples(0.4, 2)).context.sure


def test_intervals_hold_the_truth_nine_times_in_ten_or_nearly():
    fits = [fit(samples(0.05, 4, seed=seed)) for seed in range(20)]
    for name, truth in (("step", STEP), ("prompt", PROMPT), ("context", CONTEXT)):
        held = sum(getattr(each, name).low <= truth <= getattr(each, name).high for each in fits)
        assert held >= 15, name


def test_outliers_count_for_less():
    measured = samples(0.01, 6)
    measured[3] = Sample(measured[3].computed, 0, 32, 40 * measured[3].first, 40 * measured[3].rest)
    found = fit(measured)
    assert found.step.value == pytest.approx(STEP, rel=0.05)
    assert found.prompt.value == pytest.approx(PROMPT, rel=0.1)


def test_what_cannot_be_seen_is_zero_and_not_sure():
    falling = [Sample(s.computed, 0, 32, s.first, 31 * (STEP - 1e-8 * s.computed)) for s in samples(0.0)]
    found = fit(falling)
    assert found.context.value == 0
    assert not found.context.sure
    assert found.step.value > 0


def test_too_few_lengths_are_refused():
    with pytest.raises(ValueError, match="three lengths"):
        fit([Sample(100, 0, 8, 0.1, 0.1)] * 5)
    with pytest.raises(ValueError, match="two tokens"):
        fit([Sample(length, 0, 1, 0.1, 0.0) for length in LENGTHS])
