"""Charges add up, and unknown stays unknown."""

from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.metering.charges import NOTHING, Charge, GpuPrice, unknown


def tokens(usd, source="list"):
    return Charge(Decimal(usd), {"tokens": Decimal(usd)}, source, date(2026, 1, 1))


def gpu_charge(gpu_ns, rate):
    return GpuPrice(rate, "gpu-a").charge(gpu_ns)


def test_gpu_time_costs_its_share_of_the_hour():
    assert gpu_charge(3_600_000_000_000, Decimal("2.10")).usd == Decimal("2.10")
    assert gpu_charge(1_000_000_000, Decimal("3.60")).components == {"gpu": Decimal("0.001")}
    assert gpu_charge(0, Decimal("2.10")).usd == 0


@settings(deadline=None)  # a busy machine is no fault
@given(st.integers(0, 10**15), st.decimals(0, 1000, places=4))
def test_time_given_back_gives_back_the_same_money(gpu_ns, rate):
    booked = gpu_charge(gpu_ns, rate).usd
    assert booked + gpu_charge(-gpu_ns, rate).usd == 0


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(st.integers(0, 10**12), max_size=20), st.decimals(0, 100, places=2))
def test_parts_differ_from_the_whole_by_less_than_a_part_each(parts, rate):
    whole = gpu_charge(sum(parts), rate).usd
    summed = sum((gpu_charge(part, rate).usd for part in parts), Decimal(0))
    assert abs(whole - summed) <= (len(parts) + 1) * Decimal("1e-15")


def test_charges_add_up_by_component():
    whole = NOTHING + tokens("0.25") + gpu_charge(3_600_000_000_000, Decimal(2)) + tokens("0.5")
    assert whole.usd == Decimal("2.75")
    assert whole.components == {"tokens": Decimal("0.75"), "gpu": Decimal(2)}
    assert whole.source == "list + gpu-a"
    assert whole.priced_at == date(2026, 1, 1)


def test_one_unknown_part_makes_the_whole_unknown_but_keeps_what_is_known():
    whole = tokens("0.25") + unknown("no price for acme/new")
    assert whole.usd is None
    assert whole.components == {"tokens": Decimal("0.25")}
    assert "no price for acme/new" in whole.source
