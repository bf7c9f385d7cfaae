"""The break-even of a workload: worked by hand, and refused where it would mean nothing."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from gateway.configuration.rates import GpuRate
from gateway.metering.break_even import Fleet, Workload, break_even

# 2 GPUs at 1.10 USD an hour, 0.10 of it power: F = 1.00 * 8760 * 2. A million tokens take 360 GPU-seconds: m = 0.01.
FLEET = Fleet("gpu-a", 2, GpuRate(date.min, Decimal("1.10"), Decimal("0.10"), owned=True))
WORK = Workload(
    ("invoices",), Decimal(3_000), Decimal(30), Decimal("1.01"), "as paid", Decimal(360), "measured"
)


def test_the_break_even_is_fixed_cost_over_what_a_million_saves():
    answer = break_even(WORK, FLEET)
    assert (answer.fixed, answer.marginal, answer.capacity) == (17_520, Decimal("0.01"), 175_200)
    assert answer.volume == 17_520  # / (1.01 - 0.01)
    assert answer.why == "owning pays: it is at 208% of the break-even"  # 36,500 a year


def test_at_the_break_even_both_cost_the_same():
    answer = break_even(WORK, FLEET)
    owned = answer.fixed + answer.volume * answer.marginal
    assert owned == answer.volume * WORK.price


def test_little_traffic_is_better_rented():
    answer = break_even(replace(WORK, millions=Decimal(30)), FLEET)
    assert answer.why == "renting pays: it is at 2.1% of the break-even"


def test_a_year_foretold_from_few_days_says_so():
    answer = break_even(replace(WORK, days=Decimal(2), millions=Decimal(200)), FLEET)
    assert answer.why.endswith("(a year foretold from 2.0 days)")


@pytest.mark.parametrize(
    ("work", "fleet", "why"),
    [
        (WORK, None, "not valid: nobody said what GPUs of your own cost (usd_per_gpu_hour)"),
        (WORK, replace(FLEET, rate=None), "not valid: nobody said what GPUs of your own cost (usd_per_gpu_hour)"),
        (
            replace(WORK, gpu_seconds=None),
            FLEET,
            "not valid: no GPU time has been measured yet; send some of it to your GPUs",
        ),
        (replace(WORK, price=None), FLEET, "not valid: no price of a rented model is known; try --against"),
        (replace(WORK, price=Decimal("0.01")), FLEET, "never: renting costs no more than your own electricity"),
        (
            replace(WORK, price=Decimal("0.06")),
            FLEET,
            "not valid: it would take 2.0 times what these GPUs can do; rent",
        ),
    ],
)  # fmt: skip
def test_where_it_would_not_be_valid_it_says_why(work, fleet, why):
    answer = break_even(work, fleet)
    assert (answer.volume, answer.why) == (None, why)
