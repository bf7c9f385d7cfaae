"""Which way a model's attempts are charged: by token at a provider's price, or by GPU time at a backend's rate."""

from dataclasses import dataclass
from typing import Final, Protocol

from adapters.chat import TokenUsage
from gateway.configuration.rates import GpuRates
from gateway.metering.charges import Charge, GpuPrice, unknown
from gateway.metering.prices import PriceBook

_DAY_NS: Final = 86_400_000_000_000


class Tariff(Protocol):
    """What a model's attempts cost: tokens at a dated price, or GPU time at its backend's rate."""

    def charge(self, usage: TokenUsage, gpu_ns: int, at_ns: int) -> Charge:
        """The bill for one attempt; `gpu_ns` is provisional, `at_ns` the UTC time it began."""

    @property
    def by_gpu(self) -> bool:
        """Whether GPU time is charged: its money is counted when windows close, not when attempts end."""


@dataclass(frozen=True, slots=True)
class TokenTariff:
    """A model rented by the token. `provider` is the price list's word for who sells it."""

    book: PriceBook
    provider: str
    model: str

    @property
    def by_gpu(self) -> bool:
        """GPU time is not ours to charge."""
        return False

    def charge(self, usage: TokenUsage, gpu_ns: int, at_ns: int) -> Charge:
        """Tokens at the price of the day (`at_ns`: UTC), in the tier that served them."""
        del gpu_ns
        return self.book.charge(self.provider, self.model, usage, at_ns, usage.tier)


class GpuPrices:
    """A backend's price of GPU time, looked up once for each day that is asked for after another."""

    __slots__ = ("_day", "_price", "backend", "rates")

    def __init__(self, backend: str, rates: GpuRates) -> None:
        self.backend: Final = backend
        self.rates: Final = rates
        self._day = -1
        self._price: GpuPrice | None = None

    def at(self, at_ns: int) -> GpuPrice | None:
        """That of the day (UTC nanoseconds); None: nobody said what it costs."""
        day = at_ns // _DAY_NS
        if day != self._day:
            rate = self.rates.at(at_ns)
            self._price = None if rate is None else GpuPrice(rate.usd, f"{self.backend}: {rate.source}")
            self._day = day
        return self._price

    @property
    def missing(self) -> str:
        """Why there is none."""
        return f"no usd_per_gpu_hour for {self.backend}"

    def charge(self, gpu_ns: int, at_ns: int) -> Charge:
        """GPU-nanoseconds at the price of the day they were used on."""
        price = self.at(at_ns)
        return unknown(self.missing) if price is None else price.charge(gpu_ns)


class GpuTariff:
    """A model on GPUs of ours."""

    __slots__ = ("_prices",)

    def __init__(self, backend: str, rates: GpuRates) -> None:
        self._prices: Final = GpuPrices(backend, rates)

    @property
    def by_gpu(self) -> bool:
        """GPU time is what it costs."""
        return True

    def charge(self, usage: TokenUsage, gpu_ns: int, at_ns: int) -> Charge:
        """GPU time at the backend's rate; provisional until its windows have closed."""
        del usage
        return self._prices.charge(gpu_ns, at_ns)
