"""One window of thousands of requests on one replica, to be closed and booked while the loop is watched."""

import asyncio
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Final

from adapters.chat import TokenUsage
from gateway.app.engines import EngineWatch
from gateway.configuration.outcomes import ActionSettings
from gateway.configuration.rates import GpuRate, GpuRates
from gateway.fleet.engines.reading import EngineReading, Reading
from gateway.ledger.ledger import Ledger
from gateway.metering.actions.actions import Actions
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.facts import SECOND, GpuBackend
from gateway.metering.gpu.hardware import NEUTRAL
from gateway.metering.gpu.turns import Turns
from gateway.metering.prometheus import Metrics
from gateway.pipeline.booking import GpuOwner

_RATES: Final = GpuRates((GpuRate(date.min, Decimal("2.10")),))
_FEW: Final = 16


class BusyWindow:
    """`fill` opens and ends requests, all in one second; `close` closes that window and books it."""

    def __init__(self, requests: int, folder: Path) -> None:
        self._requests = requests
        self._ledger = Ledger.open(folder / f"gpu-{requests}.db", folder / f"gpu-{requests}.journal")
        self._round = 0

    async def fill(self) -> None:
        """A fresh account, and a second in which every request read 200 tokens and wrote 50; a third of them go
        on into the next one."""
        self._round += 1
        metrics = Metrics(version="bench")
        actions = Actions(metrics, self._ledger, _nobody_asks, f"bench-{self._round}", ActionSettings())
        backend = GpuBackend("gpu", ("r0",), 1, None, NEUTRAL)
        self._accounts = GpuAccounts([backend], now_ns=0, wall_ns=0, turns=Turns(partial(asyncio.sleep, 0)))
        self._watch = EngineWatch(
            self._accounts,
            metrics,
            self._ledger,
            lambda _: _RATES,
            f"bench-{self._round}",
            actions.spent,
            lambda _: None,
        )
        book = self._accounts.at("gpu", "r0")
        assert book is not None  # it was configured above
        step = SECOND // self._requests
        usage = TokenUsage(200, 0, 0, 50, source="reported")
        self._accounts.observe("gpu", "r0", _page(0, 0))
        for number in range(self._requests):
            at = number * step
            owner = GpuOwner(
                f"req-{self._round}-{number}", 1, "acme", "chat", "", "everyday", "llama", "home"
            )
            ticket = book.begin(owner, at, prompt_tokens=200, cohort=("acme", "everyday"), streamed=True)
            ticket.tokens(at + SECOND // 100, 25)
            ends = at + (SECOND if number % 3 == 0 else SECOND // 10)
            ticket.tokens(ends - 1, 25)
            ticket.end(ends, usage)
            if number % _FEW == 0:
                await asyncio.sleep(0)
        for second in (1, 2, 3, 4):
            self._accounts.observe("gpu", "r0", _page(second * SECOND, self._requests))

    async def close(self) -> None:
        """Close all windows so far and book them."""
        await self._watch.close(4 * SECOND)

    def stop(self) -> None:
        """Let go of the ledger."""
        self._ledger.close(timeout=30.0)


def _page(at: int, requests: int) -> Reading:
    engine = EngineReading(
        "0",
        0.0,
        0,
        0.1,
        400_000,
        60.0 * (requests > 0),
        200 * requests,
        50 * requests,
        200 * requests,
        requests,
    )
    return Reading(at, at, (engine,))


async def _nobody_asks(*_: object) -> None:
    return None
