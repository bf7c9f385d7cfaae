"""The learning curve says plainly where it stands to what is told elsewhere."""

import pytest

from gateway.cli.router_learning import TOGETHER, Learned, against_told, learning_values

CURVES = {
    "one": {100: Learned((0.60, 0.62), (0.58, 0.58)), 300: Learned((0.62, 0.62), (0.63, 0.63))},
    "two": {100: Learned((0.50, 0.52), (0.40, 0.40))},
    TOGETHER: {100: Learned((0.55, 0.55), (0.54, 0.54))},
}


def test_figures_have_names_and_the_mean_is_over_the_sources() -> None:
    values = learning_values(CURVES)
    assert values["curve:one@100"] == pytest.approx(0.61)
    assert values["lead:one@300"] == pytest.approx(-0.01)
    assert values["curve:together@100"] == 0.55
    assert values["lead:mean@100"] == pytest.approx((0.03 + 0.11) / 2)
    assert "lead:mean@1000" not in values


def test_each_figure_is_above_within_or_below_what_is_told() -> None:
    _, hundred, three_hundred, thousand = against_told(CURVES)
    assert "one 0.610 above (plain 0.580 within)" in hundred
    assert "two 0.510 below (plain 0.400 below)" in hundred
    assert "together 0.550 within (plain 0.540 within)" in hundred
    assert three_hundred.endswith("one 0.620 within (plain 0.630 within)")
    assert thousand.endswith("too few rows")


def test_a_lead_has_the_interval_of_its_draws() -> None:
    lead = Learned((0.6, 0.7, 0.8), (0.5, 0.7, 0.6)).lead
    assert lead.value == pytest.approx(0.1)
    assert lead.low < 0.1 < lead.high
