"""Reads electricity meters, splits what they say like GPU time, and books it."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

from adapters.errors import UpstreamError
from adapters.transport import Pool, Timeouts
from gateway.app.owners import owner_of, tell_owner
from gateway.app.pages import page
from gateway.configuration.settings import BackendSettings, EnergySettings
from gateway.fleet.energy.dcgm import energy
from gateway.fleet.energy.nvml import MeterUnavailable, NvmlMeter, installed
from gateway.ledger.ledger import Ledger
from gateway.ledger.records import EnergyBooking
from gateway.metering.actions.book import Spender
from gateway.metering.energy.meter import Meter
from gateway.metering.energy.split import Portion, Splitter
from gateway.metering.gpu.facts import SECOND, Booking
from gateway.metering.prometheus import Metrics

_log = logging.getLogger("weir.energy")

BOOKED_AT_ONCE: Final = 32
FLUSH_SECONDS: Final = 15  # what one use took in so long is one record
_NVML_GAP: Final = 5 * SECOND
_DCGM_GAP: Final = 120 * SECOND  # exporters collect every 30 s
_TIMEOUT: Final = 2.0
_UJ_PER_KWH: Final = Decimal(3_600_000_000_000)
_QUANTUM: Final = Decimal("1e-15")

Spent = Callable[[Spender, int, Decimal | None, int], None]  # of whom, when (UTC ns), USD, GPU ns


class EnergyWatch:
    """The meters of all backends that have one."""

    def __init__(
        self,
        metrics: Metrics,
        ledger: Ledger,
        process: str,
        spent: Spent,
    ) -> None:
        self._metrics = metrics
        self._ledger = ledger
        self._process = process
        self._spent = spent
        self._pools: dict[str, Pool] = {}  # by the exporter's URL
        self._offset = time.time_ns() - time.monotonic_ns()
        self._settings: dict[str, EnergySettings] = {}
        self._splitters: dict[str, Splitter] = {}
        self._nvml: dict[str, NvmlMeter] = {}
        self._number = 0
        self._said: set[str] = set()

    def follow(self, backends: Mapping[str, BackendSettings]) -> None:
        """Read exactly the meters of these backends from now on."""
        wanted = {name: each.energy for name, each in backends.items() if each.energy is not None}
        for name in [name for name, held in self._settings.items() if wanted.get(name) != held]:
            self._flush_at_once(name)
            del self._splitters[name]
            self._nvml.pop(name, None)
        for name, settings in wanted.items():
            if name not in self._splitters:
                self._splitters[name] = Splitter(Meter(_NVML_GAP if settings.nvml else _DCGM_GAP))
        self._settings = wanted

    def book(self, booking: Booking) -> None:
        """GPU time of a closed window was booked."""
        splitter = self._splitters.get(booking.backend)
        if splitter is not None:
            splitter.book(booking)

    async def run(self) -> None:
        """Read once a second, book now and then, for as long as the task lives."""
        beat = 0
        while True:
            await asyncio.sleep(1)
            await asyncio.gather(*(self._read(name, each) for name, each in self._settings.items()))
            beat += 1
            if beat % FLUSH_SECONDS == 0:
                for name in list(self._splitters):
                    await self._flush_in_slices(name)

    async def finish(self) -> None:
        """Book all that is known."""
        for name in self._splitters:
            self._flush_at_once(name)
        for pool in self._pools.values():
            await pool.aclose()

    async def _read(self, name: str, settings: EnergySettings) -> None:
        try:
            if settings.dcgm is not None:
                reading = energy(await self._page(settings.dcgm), settings.devices)
            else:
                if name not in self._nvml:
                    self._nvml[name] = NvmlMeter(installed(), settings.nvml)
                reading = self._nvml[name].read()
        except (UpstreamError, OSError, MeterUnavailable) as error:
            if name not in self._said:
                self._said.add(name)
                _log.warning("the energy of %s is unknown: %s", name, error or type(error).__name__)
            return
        self._said.discard(name)
        splitter = self._splitters.get(name)
        if splitter is not None:
            splitter.meter.add(time.monotonic_ns() + self._offset, reading)

    async def _page(self, url: str) -> bytes:
        """An exporter's metrics page."""
        parts = urlsplit(url)
        pool = self._pools.get(url)
        if pool is None:
            times = Timeouts(connect=_TIMEOUT, first_byte=_TIMEOUT, idle=_TIMEOUT, total=2 * _TIMEOUT)
            pool = self._pools[url] = Pool(f"{parts.scheme}://{parts.netloc}", timeouts=times)
        return await page(pool, (parts.path or "/metrics").encode())()

    async def _flush_in_slices(self, name: str) -> None:
        """A busy quarter minute has tens of thousands of portions; what is taken is booked even if cancelled."""
        flushing = self._flush(name)
        try:
            for _ in flushing:
                await asyncio.sleep(0)
        finally:
            for _ in flushing:
                pass

    def _flush_at_once(self, name: str) -> None:
        for _ in self._flush(name, final=True):
            pass

    def _flush(self, name: str, *, final: bool = False) -> Iterator[None]:
        """Book what is known; yields now and then, so that others may run."""
        splitter, settings = self._splitters[name], self._settings[name]
        yield from splitter.settle(final=final)
        portions = splitter.take()
        while few := list(islice(portions, BOOKED_AT_ONCE)):
            self._ledger.append(*(self._record(name, settings, portion) for portion in few))
            yield

    def _record(self, backend: str, settings: EnergySettings, portion: Portion) -> EnergyBooking:
        owner = owner_of(portion.owner)
        usd, source = None, ""
        if portion.energy_uj is not None:
            if settings.usd_per_kwh is not None:
                usd = (portion.energy_uj * settings.usd_per_kwh * settings.pue / _UJ_PER_KWH).quantize(
                    _QUANTUM
                )
                source = f"{backend}: {settings.usd_per_kwh} USD/kWh, PUE {settings.pue}"
            self._metrics.energy_used(
                owner.route, owner.model, backend, portion.use, portion.energy_uj, usd, owner.zone
            )
        self._number += 1
        whose: dict[str, Any] = {}
        tell_owner(owner, whose)
        record = EnergyBooking(
            id=f"energy-{self._process}-{self._number}",
            at=time.time_ns(),
            window=portion.window * SECOND,
            window_ns=portion.windows * SECOND,
            backend=backend,
            replica=portion.replica,
            use=portion.use,
            energy_uj=portion.energy_uj,
            **whose,
            usd=usd,
            price_source=source,
        )
        if usd is not None and owner.request:
            self._spent(record, record.at, record.usd, 0)
        return record
