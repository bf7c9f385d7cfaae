"""Which way a model's attempts are charged: by token at a provider's price, or by GPU time at a backend's rate."""

from dataclasses import dataclass
from typing import Protocol

from adapters.chat import TokenUsage
from gateway.configuration.rates import GpuRates
from gateway.metering.charges import Charge, gpu_charge, unknown
from gateway.metering.prices import PriceBook


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


@dataclass(frozen=True, slots=True)
class GpuTariff:
    """A model on GPUs of ours."""

    backend: str
    rates: GpuRates

    @property
    def by_gpu(self) -> bool:
        """GPU time is what it costs."""
        return True

    def charge(self, usage: TokenUsage, gpu_ns: int, at_ns: int) -> Charge:
        """GPU time at the backend's rate; provisional until its windows have closed."""
        del usage
        return gpu_time_charge(self.backend, self.rates, gpu_ns, at_ns)


def gpu_time_charge(backend: str, rates: GpuRates, gpu_ns: int, at_ns: int, *, idle: bool = False) -> Charge:
    """GPU time (GPU-nanoseconds) at the rate of the day it was used on; unknown where nobody said what it costs.
    `idle`: no request of ours used it."""
    rate = rates.at(at_ns)
    if rate is None:
        return unknown(f"no usd_per_gpu_hour for {backend}")
    return gpu_charge(
        gpu_ns, rate.usd, source=f"{backend}: {rate.source}", component="idle" if idle else "gpu"
    )
