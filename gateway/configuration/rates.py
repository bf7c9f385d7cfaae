"""What an hour of a GPU costs: rented, or owned and paid for over the years; each from a day on."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

HOURS_PER_YEAR: Final = 8_760
_DAY_NS: Final = 86_400_000_000_000
_EPOCH: Final = date(1970, 1, 1).toordinal()
_MICRO: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Ownership:
    """What a GPU of one's own costs, in US dollars: to buy, to run, to sell again.

    `interest` is a year's, as a share of 1; `yearly` is support, people and spares; `kilowatts` are at work.
    """

    capex: Decimal
    residual: Decimal
    years: Decimal
    interest: Decimal
    yearly: Decimal
    kilowatts: Decimal
    pue: Decimal  # the site's power over the machines' own
    usd_per_kwh: Decimal

    @property
    def fixed_per_year(self) -> Decimal:
        """The annual fixed cost: the annuity of what it loses in value, and what is paid each year anyway.

        F = (capex - residual / (1 + r)^n) * r / (1 - (1 + r)^-n) + yearly
        """
        rate, growth = self.interest, (1 + self.interest) ** self.years
        if not rate:
            return (self.capex - self.residual) / self.years + self.yearly
        return (self.capex - self.residual / growth) * rate / (1 - 1 / growth) + self.yearly

    @property
    def power_per_hour(self) -> Decimal:
        """Electricity of an hour, with its share of the site's cooling and losses."""
        return self.kilowatts * self.pue * self.usd_per_kwh


@dataclass(frozen=True, slots=True)
class GpuRate:
    """US dollars for one GPU and hour from a day on. `power` is the part of it that is electricity (0 where the
    rate does not say)."""

    since: date
    usd: Decimal
    power: Decimal = Decimal(0)
    owned: bool = False
    source: str = field(init=False, compare=False, repr=False)  # how a ledger row names it

    def __post_init__(self) -> None:
        """Name it once: thousands of bookings a second ask."""
        kind = " owned" if self.owned else ""
        dated = f" from {self.since}" if self.since > date.min else ""
        object.__setattr__(self, "source", f"{self.usd} USD/GPU-hour{kind}{dated}")

    @classmethod
    def of_owned(cls, since: date, ownership: Ownership) -> "GpuRate":
        """The rate of a GPU of one's own, to a millionth of a dollar."""
        power = ownership.power_per_hour.quantize(_MICRO)
        fixed = (ownership.fixed_per_year / HOURS_PER_YEAR).quantize(_MICRO)
        return cls(since, fixed + power, power, owned=True)


@dataclass(frozen=True, slots=True)
class GpuRates:
    """A backend's rates, the latest first. Falsy where nobody said what its GPUs cost."""

    rates: tuple[GpuRate, ...] = ()

    @classmethod
    def of(cls, rates: Iterable[GpuRate]) -> "GpuRates":
        """These, in any order."""
        return cls(tuple(sorted(rates, key=lambda rate: rate.since, reverse=True)))

    def __bool__(self) -> bool:
        return bool(self.rates)

    def at(self, at_ns: int) -> GpuRate | None:
        """The rate in force at a time (UTC nanoseconds); None: nobody said."""
        day = _EPOCH + at_ns // _DAY_NS
        for rate in self.rates:
            if rate.since.toordinal() <= day:
                return rate
        return None


UNRATED: Final = GpuRates()
