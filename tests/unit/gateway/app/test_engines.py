"""Closed windows are booked, whoever cancels the task that closes them."""

import asyncio
from datetime import date
from decimal import Decimal

import orjson
import pytest

from adapters.chat import TokenUsage
from gateway.app.engines import EngineWatch
from gateway.configuration.rates import GpuRate, GpuRates
from gateway.ledger.encoding import SHAPES, Entry, encoded, from_members
from gateway.ledger.records import GpuBooking, GpuWindow, Record
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.facts import SECOND, GpuBackend
from gateway.metering.gpu.hardware import NEUTRAL
from gateway.metering.gpu.turns import Turns
from gateway.metering.prometheus import Metrics
from gateway.pipeline.booking import GpuOwner


class KeptRecords:
    """A ledger that only remembers, and sees to it that a record of the same facts is written to the same bytes."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def append(self, *records: Record | Entry) -> int:
        for each in records:
            kind, body = encoded(each)
            record = from_members(kind, orjson.loads(body))
            assert encoded(record) == (kind, body)
            self.records.append(record)
        return len(self.records)


async def one_turn() -> None:
    await asyncio.sleep(0)


@pytest.fixture
def kept() -> KeptRecords:
    return KeptRecords()


def watching(kept: KeptRecords) -> tuple[GpuAccounts, EngineWatch]:
    backend = GpuBackend("gpu-a", ("r0",), 1, Decimal(2), NEUTRAL)
    accounts = GpuAccounts([backend], now_ns=0, wall_ns=0, turns=Turns(one_turn, slice_ns=0, few=1))
    rates = GpuRates((GpuRate(date.min, Decimal(2)),))
    watch = EngineWatch(
        accounts,
        Metrics(version="test"),
        kept,
        lambda _: rates,
        "test",
        lambda *_: None,
        lambda _: None,
    )
    book = accounts.at("gpu-a", "r0")
    for number in range(100):
        owner = GpuOwner(f"r{number}", 1, "acme", "", "", "everyday", "llama", "home")
        book.begin(owner, 0).end(SECOND // 2, TokenUsage(output=5, source="reported"))
    return accounts, watch


def gpu_ns(kept: KeptRecords) -> int:
    return sum(each.gpu_ns for each in kept.records if isinstance(each, GpuBooking))


@pytest.mark.parametrize("turns", [5, 50, 150, 250, 350, 450])
async def test_a_round_that_is_cancelled_midway_is_booked_by_the_finish(kept, monkeypatch, turns):
    accounts, watch = watching(kept)
    now = [40 * SECOND]
    monkeypatch.setattr("gateway.app.engines.time.monotonic_ns", lambda: now[0])
    slept = asyncio.sleep

    async def at_once(_: float) -> None:
        await slept(0)

    monkeypatch.setattr("gateway.app.engines.asyncio.sleep", at_once)
    running = asyncio.create_task(watch.run())
    for _ in range(turns):
        await slept(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await watch.finish()
    assert gpu_ns(kept) == accounts.provisioned("gpu-a", "r0") == 40 * SECOND


async def test_each_window_s_prices_are_kept_once(kept):
    _, watch = watching(kept)
    await watch.close(5 * SECOND, final=True)
    windows = [each for each in kept.records if isinstance(each, GpuWindow)]
    assert [each.window for each in windows] == [second * SECOND for second in range(5)]
    first = windows[0]
    owed = [b for b in kept.records if isinstance(b, GpuBooking) and b.use == "request"]
    by_price = first.output_price * owed[0].output_tokens + first.context_price * owed[0].context_tokens
    by_price += first.prompt_price * owed[0].prompt_tokens
    assert owed[0].gpu_ns == pytest.approx(by_price, abs=first.prompt_price)  # prompt tokens are whole ones


async def test_nothing_that_a_booking_can_hold_is_left_out(kept):
    accounts, watch = watching(kept)
    book = accounts.at("gpu-a", "r0")
    owner = GpuOwner("r", 1, "acme", "triage", "a-17", "everyday", "llama", "home")
    book.begin(owner, 0).end(SECOND // 2, TokenUsage(input=9, output=5, source="reported"))
    await watch.close(SECOND, final=True)
    told = [set(orjson.loads(encoded(each)[1])) for each in kept.records if isinstance(each, GpuBooking)]
    assert set.union(*told) == set(SHAPES["gpu"].names) - {"correction", "priced_at"}
