"""From which volume on GPUs of one's own are cheaper than a rented model, for one workload.

    V* = F / (p - m)

F is what the GPUs cost in a year whether they work or not, p the rented price of a million of the workload's tokens,
m what a million of them adds at one's own GPUs (electricity, where the rate names it). V* says something only if
p > m and the GPUs can do so much. All of it is per workload: F is not shared out, so V* is what this workload would
have to bring if it had the GPUs to itself. Whether the answers are as good is another question.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from gateway.configuration.rates import HOURS_PER_YEAR, GpuRate

_HOUR: Final = Decimal(3_600)  # seconds
_FEW_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Fleet:
    """The GPUs that a workload runs on, or would."""

    backend: str
    gpus: int
    rate: GpuRate | None

    @property
    def fixed_per_year(self) -> Decimal | None:
        """USD a year, busy or not; None where nobody said what they cost."""
        if self.rate is None:
            return None
        return (self.rate.usd - self.rate.power) * HOURS_PER_YEAR * self.gpus


@dataclass(frozen=True, slots=True)
class Workload:
    """What the ledger knows of a workload. Millions of tokens, all classes together."""

    name: tuple[str, ...]
    millions: Decimal  # in the time looked at
    days: Decimal  # that time
    price: Decimal | None  # rented, USD per million
    price_basis: str
    gpu_seconds: Decimal | None  # per million, measured
    gpu_basis: str

    @property
    def millions_per_year(self) -> Decimal:
        """If it goes on as in the time looked at."""
        return self.millions / self.days * 365


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The answer. `volume` (millions of tokens a year) is None where it would not be valid; `why` says why, or what
    it means."""

    fixed: Decimal | None
    marginal: Decimal | None  # USD per million
    capacity: Decimal | None  # millions of tokens a year at full use
    volume: Decimal | None
    why: str


def break_even(workload: Workload, fleet: Fleet | None) -> BreakEven:
    """V* for a workload, or why there is none."""
    if fleet is None or fleet.rate is None or fleet.fixed_per_year is None:
        return _none(None, None, None, "not valid: nobody said what GPUs of your own cost (usd_per_gpu_hour)")
    fixed = fleet.fixed_per_year
    if workload.gpu_seconds is None or not workload.gpu_seconds:
        return _none(
            fixed, None, None, "not valid: no GPU time has been measured yet; send some of it to your GPUs"
        )
    marginal = fleet.rate.power * workload.gpu_seconds / _HOUR
    capacity = fleet.gpus * HOURS_PER_YEAR * _HOUR / workload.gpu_seconds
    if workload.price is None:
        return _none(
            fixed, marginal, capacity, "not valid: no price of a rented model is known; try --against"
        )
    if workload.price <= marginal:
        return _none(fixed, marginal, capacity, "never: renting costs no more than your own electricity")
    volume = fixed / (workload.price - marginal)
    if volume > capacity:
        return _none(
            fixed,
            marginal,
            capacity,
            f"not valid: it would take {volume / capacity:,.1f} times what these GPUs can do; rent",
        )
    return BreakEven(fixed, marginal, capacity, volume, _verdict(workload, volume))


def _verdict(workload: Workload, volume: Decimal) -> str:
    share = workload.millions_per_year / volume if volume else Decimal("Infinity")
    verdict = (
        "owning pays already" if not volume else
        f"owning pays: it is at {share:,.0%} of the break-even" if share >= 1 else
        f"renting pays: it is at {share:,.1%} of the break-even"
    )  # fmt: skip
    if workload.days < _FEW_DAYS:
        return f"{verdict} (a year foretold from {workload.days:,.1f} days)"
    return verdict


def _none(fixed: Decimal | None, marginal: Decimal | None, capacity: Decimal | None, why: str) -> BreakEven:
    return BreakEven(fixed, marginal, capacity, None, why)
