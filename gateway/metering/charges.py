"""What an attempt costs: tokens at a dated price, or GPU time at its backend's rate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal

Component = Literal["tokens", "gpu", "idle", "energy"]

_NS_PER_HOUR: Final = Decimal(3_600_000_000_000)
_QUANTUM: Final = Decimal("1e-15")  # USD: a nanosecond of a $1/h GPU is 277 of these
_no_parts: Final[Mapping[Component, Decimal]] = MappingProxyType({})


@dataclass(slots=True)  # not frozen, since one is made for every attempt; nobody changes one
class Charge:
    """Money, in USD, and where its price came from.

    `usd` is None where any part of it is unknown: never 0 instead. `components` holds the known parts, which
    sum to `usd` where that is known. `priced_at` is the UTC day whose price was applied.
    """

    usd: Decimal | None
    components: Mapping[Component, Decimal] = field(default_factory=lambda: _no_parts)
    source: str = ""
    priced_at: date | None = None

    def __add__(self, other: "Charge") -> "Charge":
        """Both together; unknown if either is."""
        parts = dict(self.components)
        for component, usd in other.components.items():
            parts[component] = parts.get(component, Decimal(0)) + usd
        sources = dict.fromkeys(
            source for source in (*self.source.split(" + "), *other.source.split(" + ")) if source
        )
        days = [day for day in (self.priced_at, other.priced_at) if day is not None]
        return Charge(
            None if self.usd is None or other.usd is None else self.usd + other.usd,
            parts,
            " + ".join(sources),
            max(days, default=None),
        )


NOTHING: Final = Charge(Decimal(0))  # what sums begin with, and what a request costs that was never sent


def unknown(source: str = "", priced_at: date | None = None) -> Charge:
    """A charge nobody knows; `source` says why."""
    return Charge(None, source=source, priced_at=priced_at)


class GpuPrice:
    """What GPU time costs at an hourly rate per GPU, and whose rate that is."""

    __slots__ = ("_per_hour", "source")

    def __init__(self, usd_per_gpu_hour: Decimal, source: str) -> None:
        self._per_hour: Final = usd_per_gpu_hour
        self.source: Final = source

    def usd(self, gpu_ns: int) -> Decimal:
        """The money for GPU-nanoseconds (engine time times gpus), to 1e-15 USD. Negative time gives it back, to the
        digit."""
        return (gpu_ns * self._per_hour / _NS_PER_HOUR).quantize(_QUANTUM)

    def charge(self, gpu_ns: int, component: Component = "gpu") -> Charge:
        """The same as a charge."""
        usd = self.usd(gpu_ns)
        return Charge(usd, {component: usd}, self.source)
