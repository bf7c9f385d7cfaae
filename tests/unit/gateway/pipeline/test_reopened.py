"""What one process left open the next one goes on with, whatever became of its snapshot, and none after that."""

import asyncio
import json
import time
from decimal import Decimal
from typing import Any

import pytest

from gateway.configuration.settings import BudgetSettings, TenantSettings
from gateway.ledger.reading import segments
from gateway.ledger.records import RequestRecord
from gateway.metering.budgets.calendar import Calendar
from gateway.metering.budgets.limits import Allowances
from tests.unit.gateway.pipeline.open_requests import DONE, Started, awaited


async def test_another_process_goes_on_and_none_after_it(started: Started) -> None:
    first = started()
    await first.reopen()
    for number in (1, 2, 3):
        first.begin(number)
    first.awaiting.told("acme", "resp_2", DONE)
    first.end()  # with no snapshot but the first
    second = started(resp_1=DONE)
    await second.reopen()
    for number in (1, 2, 3):
        await second.look(number)
    assert second.asked == ["resp_1", "resp_3"]
    await second.awaiting.note()
    second.end()  # with a snapshot that says what is open
    third = started(resp_3=DONE)
    await third.reopen()
    for number in (1, 2, 3):
        await third.look(number)
    assert third.asked == ["resp_3"]
    assert sorted(each["id"] for each in third.lines("request")) == ["req-1", "req-2", "req-3"]
    assert json.loads((third.ledger.directory / "awaited.json").read_text())["open"][0]["id"] == "req-3"


@pytest.mark.parametrize("spoiled", ["torn", "[]", '{"line": 1}', '{"line": 9, "open": [{"new": 1}]}'])
async def test_without_a_sound_snapshot_the_journal_says_what_is_open(
    started: Started, caplog: pytest.LogCaptureFixture, spoiled: str
) -> None:
    first = started()
    await first.reopen()
    for number in (1, 2):
        first.begin(number)
    first.awaiting.told("acme", "resp_2", DONE)
    await first.awaiting.note()
    first.end()
    noted = first.ledger.directory / "awaited.json"
    text = noted.read_text()[:-3] if spoiled == "torn" else spoiled
    noted.write_text(text)
    second = started(resp_1=DONE)
    await second.reopen()
    assert noted.with_suffix(".unread").read_text() == text
    assert "awaited.unread" in caplog.text
    for number in (1, 2):
        await second.look(number)
    assert second.asked == ["resp_1"]
    assert sorted(each["id"] for each in second.lines("request")) == ["req-1", "req-2"]


async def test_a_lost_snapshot_loses_nothing(started: Started) -> None:
    first = started()
    await first.reopen()
    first.begin()
    first.end()
    (first.ledger.directory / "awaited.json").unlink()
    second = started(resp_1=DONE)
    await second.reopen()
    await second.look()
    assert len(second.lines("request")) == 1


async def test_a_line_of_a_newer_weir_costs_no_other_line(
    started: Started, caplog: pytest.LogCaptureFixture
) -> None:
    first = started()
    await first.reopen()
    for number in (1, 2, 3):
        first.begin(number)
    first.end()
    for path in segments(first.ledger.directory):
        path.write_bytes(path.read_bytes().replace(b'{"id":"req-2","at"', b'{"id":"req-2","newer":1,"at"'))
    second = started(resp_1=DONE, resp_3=DONE)
    await second.reopen()
    for number in (1, 2, 3):
        await second.look(number)
    assert second.asked == ["resp_1", "resp_3"]
    assert "a newer Weir" in caplog.text


async def test_the_snapshot_is_for_its_owner(started: Started) -> None:
    process = started()
    await process.reopen()
    assert (process.ledger.directory / "awaited.json").stat().st_mode & 0o777 == 0o600


async def test_what_is_booked_and_not_written_yet_is_open_in_the_snapshot(started: Started) -> None:
    first = started()
    await first.reopen()
    first.begin(relayed=True)
    line = first.ledger.line_up([RequestRecord(id="req-1", at=1, tenant="acme")])
    first.awaiting.over("req-1", line)
    await first.awaiting.note()
    noted = json.loads((first.ledger.directory / "awaited.json").read_text())
    assert [each["id"] for each in noted["open"]] == ["req-1"], "a kill would lose its line"
    first.ledger.write_out()
    await first.awaiting.note()
    assert not json.loads((first.ledger.directory / "awaited.json").read_text())["open"]


async def test_a_budget_is_held_over_a_restart_and_then_knows_what_was_spent(started: Started) -> None:
    limited = Allowances([TenantSettings("acme", budget=BudgetSettings(usd_per_day=Decimal(1)))])
    allowance = limited.of("acme", "app", "")
    assert allowance is not None
    ((_, account),) = allowance.accounts(Calendar().windows(time.time_ns()))
    first = started()
    await first.reopen()
    held = {"usd": 3 * 10**9, "gpu": 0, "tokens": 9}  # over the ceiling, and under way
    first.awaiting.begin(awaited(1, held=held), None, {})
    first.ledger.write_out()
    first.end()
    second = started(resp_1=DONE)
    await second.reopen(limited)
    assert await second.state.used([account]) == [3 * 10**9]
    await second.look()
    assert await second.state.used([account]) == [1_520_000_000]


async def test_budgets_are_held_again_all_at_once(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after another, each would wait for a round trip of its own before the first request is served."""
    limited = Allowances([TenantSettings("acme", budget=BudgetSettings(usd_per_day=Decimal(1)))])
    first = started()
    await first.reopen()
    for number in range(20):
        first.awaiting.begin(awaited(number, held={"usd": 1, "gpu": 0, "tokens": 1}), None, {})
    first.ledger.write_out()
    first.end()
    second, waiting, all_there = started(), 0, asyncio.Event()

    async def hold_again(*_: Any) -> None:
        nonlocal waiting
        waiting += 1
        if waiting == 20:
            all_there.set()
        await all_there.wait()

    monkeypatch.setattr(second.budgets, "hold_again", hold_again)
    async with asyncio.timeout(60):
        await second.reopen(limited)
    assert waiting == 20
