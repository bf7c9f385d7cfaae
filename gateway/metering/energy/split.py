"""Splits a meter's energy over closed windows like the GPU time booked in them, to the microjoule."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Final

from gateway.ledger.records import EnergyUse
from gateway.metering.energy.meter import Meter
from gateway.metering.gpu.facts import SECOND, Booking

_uses: Final[dict[str, EnergyUse]] = {
    "request": "request",
    "foreign": "foreign",
    "idle": "idle",
    "unobserved": "unobserved",
}  # not `waiting`: that time is booked again once it is explained
_AT_ONCE: Final = 128  # shares, a fraction of a millisecond
_PATIENCE: Final = 180  # windows that wait for their reading

Share = tuple[EnergyUse, Hashable, str]  # use, owner, replica


@dataclass(slots=True)
class Portion:
    """What one use took from `window` (number) on, `windows` in all. `energy_uj` None: nobody read the meter."""

    use: EnergyUse
    owner: Hashable
    replica: str
    window: int
    windows: int
    energy_uj: int | None


class Splitter:
    """One meter and the bookings of the replicas behind it, whose windows last a second."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self._waiting: dict[int, dict[Share, int]] = {}  # window → GPU time by use
        self._portions: dict[Share, Portion] = {}

    def book(self, booking: Booking) -> None:
        """A window's GPU time was booked; corrections of older ones leave their energy where it went."""
        use = _uses.get(booking.kind)
        if use is None or booking.correction or booking.gpu_ns <= 0:
            return
        shares = self._waiting.setdefault(booking.window, {})
        share = (use, booking.owner, booking.replica)
        shares[share] = shares.get(share, 0) + booking.gpu_ns

    def settle(self, *, final: bool = False) -> Iterator[None]:
        """Split the energy of all windows whose bookings and readings are there; yields now and then, so that
        others may run."""
        newest = max(self._waiting, default=0)
        for window in sorted(self._waiting):
            known = self.meter.until >= (window + 1) * SECOND
            if not final and (window >= newest or (not known and window > newest - _PATIENCE)):
                return
            shares = self._waiting.pop(window, None)
            if shares is not None:  # else it was split while others ran
                energy = self.meter.between(window * SECOND, (window + 1) * SECOND)
                yield from self._split(window, shares, energy)

    def take(self) -> Iterator[Portion]:
        """What was split since the last time."""
        portions, self._portions = self._portions, {}
        yield from portions.values()

    def _split(self, window: int, shares: dict[Share, int], energy: int | None) -> Iterator[None]:
        if energy is None:
            shares = {("unobserved", None, replica): 0 for _, _, replica in shares}
        total, given, passed = sum(shares.values()), 0, 0
        for number, (share, gpu_ns) in enumerate(shares.items()):
            if number % _AT_ONCE == 0:
                yield
            passed += gpu_ns
            part = None
            if energy is not None:
                part = energy * passed // total - given
                given += part
            self._add(share, window, part)

    def _add(self, share: Share, window: int, energy: int | None) -> None:
        key = share if energy is not None else ("unobserved", "unread", share[2])
        held = self._portions.get(key)
        if held is None:
            self._portions[key] = Portion(share[0], share[1], share[2], window, 1, energy)
            return
        held.windows = window - held.window + 1
        if energy is not None:
            held.energy_uj = (held.energy_uj or 0) + energy
