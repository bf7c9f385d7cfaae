"""Which way a model's attempts are charged: by token at a provider's price, or by GPU time at a backend's rate."""

from dataclasses import dataclass
from decimal import Decimal

from adapters.chat import TokenUsage
from gateway.metering.charges import Charge, gpu_charge, unknown
from gateway.metering.prices import PriceBook


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
        """Tokens at the price of the day (`at_ns`: UTC)."""
        del gpu_ns
        return self.book.charge(self.provider, self.model, usage, at_ns)


@dataclass(frozen=True, slots=True)
class GpuTariff:
    """A model on GPUs of ours. `usd_per_gpu_hour` is None where nobody said what they cost."""

    backend: str
    usd_per_gpu_hour: Decimal | None

    @property
    def by_gpu(self) -> bool:
        """GPU time is what it costs."""
        return True

    def charge(self, usage: TokenUsage, gpu_ns: int, at_ns: int) -> Charge:
        """GPU time at the backend's rate; provisional until its windows have closed."""
        del usage, at_ns
        if self.usd_per_gpu_hour is None:
            return unknown(f"no usd_per_gpu_hour for {self.backend}")
        return gpu_charge(
            gpu_ns, self.usd_per_gpu_hour, source=f"{self.backend}: {self.usd_per_gpu_hour} USD/GPU-hour"
        )
