"""Watches the engines and closes GPU windows: the background half of GPU accounting."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from typing import Any, Final

from gateway.app.owners import owner_of, tell_owner
from gateway.app.pages import page
from gateway.configuration.rates import GpuRates
from gateway.fleet.engines.scraper import Scraper
from gateway.fleet.replicas import Replica
from gateway.ledger.encoding import Entry, plain_decimal
from gateway.ledger.ledger import Ledger
from gateway.ledger.records import GpuWindow
from gateway.metering.actions.book import Spender
from gateway.metering.charges import GpuPrice
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.facts import NOTHING, SECOND, Booking, Row
from gateway.metering.prometheus import Metrics
from gateway.metering.tariffs import GpuPrices

_log = logging.getLogger("weir.engines")

BOOKED_AT_ONCE: Final = 32  # well under a millisecond
Spent = Callable[[Spender, int, Decimal | None, int], None]  # of whom, when (UTC ns), USD, GPU ns


class EngineWatch:
    """Scrapes every engine of ours, closes windows once a second, and books them."""

    def __init__(
        self,
        accounts: GpuAccounts,
        metrics: Metrics,
        ledger: Ledger,
        rates_of: Callable[[str], GpuRates],
        process: str,
        spent: Spent,
        metered: Callable[[Booking], None],
    ) -> None:
        """`rates_of` tells what a backend's GPUs cost; `spent` is told what requests' GPU time cost;
        `metered` hears of each booking; `process` makes booking ids unique among gateways."""
        self._accounts = accounts
        self._metrics = metrics
        self._ledger = ledger
        self._rates_of = rates_of
        self._process = process
        self._spent = spent
        self._metered = metered
        self._number = 0
        self._rows: dict[tuple[str, str], Row] = {}  # the last that was kept, by backend and replica
        self._prices: dict[str, GpuPrices] = {}  # by backend
        self._unbooked: deque[Booking] = deque()
        self._round: asyncio.Task[None] | None = None
        self._scrapers: dict[Replica, asyncio.Task[None]] = {}

    def follow(self, replicas: Iterable[Replica]) -> None:
        """Watch exactly these replicas from now on."""
        wanted = set(replicas)
        for replica in [each for each in self._scrapers if each not in wanted]:
            self._scrapers.pop(replica).cancel()
        for replica in wanted - self._scrapers.keys():
            scraper = Scraper(
                page(replica.pool, b"/metrics"),
                partial(self._accounts.observe, replica.backend, replica.url),
                now_ns=time.monotonic_ns,
                occupied=partial(self._accounts.occupied, replica.backend, replica.url),
                phase_ns=time.time_ns() - time.monotonic_ns(),
            )
            self._scrapers[replica] = asyncio.get_running_loop().create_task(scraper.run())

    async def run(self) -> None:
        """Close windows once a second, for as long as the task lives."""
        while True:
            await asyncio.sleep(1)
            self._round = asyncio.create_task(self.close(time.monotonic_ns()))
            # Closed windows are lost unless they are booked: finish what began.
            await asyncio.shield(self._round)

    async def close(self, now_ns: int, *, final: bool = False) -> None:
        """Close and book all windows that can be. A busy second has thousands of bookings: requests take their
        turns in between."""
        self._unbooked.extend(await self._accounts.close(now_ns, final=final))
        while self._unbooked:
            self._book_few()
            await asyncio.sleep(0)

    async def finish(self) -> None:
        """Stop watching, and book everything up to now."""
        tasks = list(self._scrapers.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._scrapers.clear()
        if self._round is not None:
            await asyncio.gather(self._round, return_exceptions=True)
        await self.close(time.monotonic_ns(), final=True)

    def _book_few(self) -> None:
        """Count some of what closed windows brought, and keep it."""
        few: list[GpuWindow | Entry] = []
        row: Row | None = None
        price: GpuPrice | None = None
        for _ in range(min(BOOKED_AT_ONCE, len(self._unbooked))):
            booking = self._unbooked.popleft()
            if booking.row is not row:  # a window's bookings come one behind the other
                row, price = booking.row, self._price(booking)
            where = (booking.backend, booking.replica)
            if self._rows.get(where) is not row and not booking.correction:
                self._rows[where] = booking.row
                few.append(self._window(booking))
            few.append(self._entry(booking, price))
        self._ledger.append(*few)

    def _window(self, booking: Booking) -> GpuWindow:
        """The prices of a booking's window."""
        row = booking.row
        self._number += 1
        return GpuWindow(
            id=f"window-{self._process}-{self._number}",
            at=time.time_ns(),
            window=booking.window * SECOND,
            window_ns=SECOND,
            backend=booking.backend,
            replica=booking.replica,
            gpus=row.gpus,
            writer=row.writer,
            provisioned_ns=row.provisioned_ns,
            busy_ns=row.busy_ns,
            paid_ns=row.paid_ns,
            waiting_ns=row.waiting_ns,
            unobserved_ns=row.unobserved_ns,
            prompt_price=row.prices.prompt,
            output_price=row.prices.output,
            context_price=row.prices.context,
        )

    def _entry(self, booking: Booking, price: GpuPrice | None) -> Entry:
        """Count a booking, and tell the journal of it: a busy second has thousands."""
        owner, gpu_ns, at = owner_of(booking.owner), booking.gpu_ns, time.time_ns()
        usd = None if price is None else price.usd(gpu_ns)
        metrics = self._metrics.gpu_use(owner.route, owner.model, owner.zone, booking.backend, booking.kind)
        metrics.add(gpu_ns, usd)
        self._metered(booking)
        if booking.kind == "request":
            self._spent(owner, at, usd, gpu_ns)
        self._number += 1
        found: dict[str, Any] = {
            "id": f"gpu-{self._process}-{self._number}",
            "at": at,
            "window": booking.window * SECOND,
            "window_ns": SECOND,
            "backend": booking.backend,
            "replica": booking.replica,
            "use": booking.kind,
            "gpu_ns": gpu_ns,
        }
        if booking.correction:
            found["correction"] = True
        tell_owner(owner, found)
        if usd is not None:
            found["usd"] = plain_decimal(usd)
        found["price_source"] = self._prices[booking.backend].missing if price is None else price.source
        _tell_work(found, booking)
        return "gpu", found

    def _price(self, booking: Booking) -> GpuPrice | None:
        """What GPU time cost there and then."""
        rates = self._rates_of(booking.backend)
        held = self._prices.get(booking.backend)
        if held is None or held.rates is not rates:
            held = self._prices[booking.backend] = GpuPrices(booking.backend, rates)
        return held.at(booking.window * SECOND)


def _tell_work(found: dict[str, Any], booking: Booking) -> None:
    """What was done in it."""
    computed, looked_back, written, context = booking.did or NOTHING
    prompt, read_back = int(computed + booking.row.coefficients.attention * looked_back), int(context)
    if prompt:
        found["prompt_tokens"] = prompt
    if written:
        found["output_tokens"] = float(
            written
        )  # a whole number would come back from a database as another text
    if read_back:
        found["context_tokens"] = read_back
