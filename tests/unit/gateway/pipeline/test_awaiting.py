"""What is worked on in the background stays open until somebody knows how it ended, and is booked once: with a journal
of its own, a provider that says what the test wants, and processes that end at any moment."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.chat import TokenUsage
from adapters.dialects.responses.kept import Ended
from gateway.configuration.settings import (
    ActionSettings,
    BudgetSettings,
    TenantSettings,
)
from gateway.dispatch.polling import Standing
from gateway.ledger.encoding import members
from gateway.ledger.ledger import Ledger
from gateway.ledger.reading import read_lines, segments
from gateway.ledger.records import AttemptRecord, AwaitedRecord, RequestRecord
from gateway.metering.actions.actions import Actions
from gateway.metering.budgets.budgets import Budgets
from gateway.metering.budgets.calendar import Calendar
from gateway.metering.budgets.limits import Allowances
from gateway.metering.charges import Charge
from gateway.metering.prometheus import Metrics
from gateway.pipeline import awaiting
from gateway.pipeline.awaiting import Awaiting
from gateway.state.local import LocalState

USED = TokenUsage(input=1000, output=500, reasoning=20, source="reported")
DONE = Ended("completed", USED, "stop", None, None)
NO_HOLDS: Allowances = Allowances()


class PerToken:
    """A thousandth of a dollar for each."""

    by_gpu = False

    def charge(self, usage: TokenUsage, gpu_ns: int, at_ns: int) -> Charge:
        del gpu_ns, at_ns
        usd = Decimal(usage.prompt + usage.generated) / 1000
        return Charge(usd, {"tokens": usd}, "list")


class Process:
    """One process of a gateway, on a journal that outlives it. `says` is how responses stand."""

    def __init__(self, folder: Path, says: Mapping[str, Standing]) -> None:
        self.ledger = Ledger.open(folder / "ledger.sqlite", folder / "journal")
        self.metrics = Metrics(version="0")
        self.asked: list[str] = []
        self.says = dict(says)
        self.tariffs: dict[str, PerToken] = {"gpt": PerToken()}
        actions = Actions(self.metrics, self.ledger, lambda *_: None, "p", ActionSettings())
        self.awaiting = Awaiting(self.ledger, self.metrics, actions, self._ask, lambda: self.tariffs)
        self.state = LocalState(lambda: time.time_ns() // 10**6)
        self.budgets = Budgets(self.state, self.metrics, time.time_ns)

    async def _ask(self, backend: str, replica: str, upstream: str, response: str) -> Standing:
        assert (backend, replica, upstream) == ("openai", "http://r", "gpt-5")
        self.asked.append(response)
        await asyncio.sleep(0)
        return self.says.get(response, "working")

    async def reopen(self, allowances: Allowances = NO_HOLDS) -> None:
        await self.awaiting.reopen(self.budgets, allowances)

    def begin(self, number: int = 1, **more: Any) -> None:
        self.awaiting.begin(awaited(number), None, {}, **more)
        self.ledger.write_out()

    def lines(self, kind: str) -> list[dict[str, Any]]:
        self.ledger.write_out()
        lines = [line for path in segments(self.ledger.directory) for line in read_lines(path)]
        return [line.members for line in lines if line.kind == kind]

    async def look(self, number: int = 1) -> None:
        await self.awaiting.look("acme", f"resp_{number}")

    def end(self) -> None:
        """Let go of the journal, without a word to whoever is in memory."""
        self.ledger.close()


def awaited(number: int, *, at: int | None = None, held: Mapping[str, int] | None = None) -> AwaitedRecord:
    at = time.time_ns() if at is None else at
    request = RequestRecord(
        id=f"req-{number}", at=at, tenant="acme", key="app", dialect="responses", route="everyday", model="gpt",
        backend="openai", zone="openai", status=200, attempts=1, duration_ns=5, level="internal",
        types={"EMAIL": 2}, reasons=("asked for",),
    )  # fmt: skip
    attempt = AttemptRecord(
        id=f"req-{number}/1", request=f"req-{number}", n=1, at=at, tenant="acme", route="everyday", model="gpt",
        upstream="gpt-5", backend="openai", replica="http://r", zone="openai", status=200,
        usage=TokenUsage(input=7, source="estimated"),
    )  # fmt: skip
    return AwaitedRecord(
        id=request.id, at=at, tenant="acme", responses={attempt.id: f"resp_{number}"}, request=members(request),
        attempts=(members(attempt),), held=held or {},
    )  # fmt: skip


@pytest.fixture
async def started(tmp_path: Path) -> AsyncIterator[Callable[..., Process]]:
    """`started(resp_1=DONE)`: one more process on the same journal, when the one before has ended."""
    every: list[Process] = []

    def one(**says: Standing) -> Process:
        every.append(Process(tmp_path, says))
        return every[-1]

    yield one
    every[-1].end()


Started = Callable[..., Process]


async def test_it_is_booked_with_what_it_used(started: Started) -> None:
    process = started(resp_1=DONE)
    await process.reopen()
    process.begin()
    assert not process.lines("request")
    await process.look()
    request, attempt = process.lines("request")[0], process.lines("attempt")[0]
    assert (request["id"], request["usd"], request["usage_source"]) == ("req-1", "1.52", "reported")
    assert (attempt["usd"], attempt["output_tokens"], attempt["finish"]) == ("1.52", 500, "stop")
    assert (request["types"], request["reasons"], request["duration_ns"] > 5) == (
        {"EMAIL": 2},
        ["asked for"],
        True,
    )
    await process.look()
    process.awaiting.told("acme", "resp_1", DONE)
    assert len(process.lines("request")) == 1


async def test_who_looks_at_the_same_time_books_it_once(started: Started) -> None:
    process = started(resp_1=DONE)
    await process.reopen()
    process.begin()
    await asyncio.gather(*(process.look() for _ in range(5)))
    assert len(process.asked) == 5
    assert len(process.lines("request")) == 1


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


async def test_what_another_tenant_calls_by_the_same_name_is_another(started: Started) -> None:
    """An engine lets its client choose the id of a response."""
    process = started(resp_1=DONE)
    await process.reopen()
    process.begin()
    theirs = awaited(2)
    theirs.tenant, theirs.responses = "mallory", {"req-2/1": "resp_1"}
    process.awaiting.begin(theirs, None, {})
    lies = Ended("completed", TokenUsage(input=1, source="reported"), "stop", None, None)
    process.awaiting.told("mallory", "resp_1", lies)
    assert [each["id"] for each in process.lines("request")] == ["req-2"]
    await process.awaiting.note()
    process.awaiting.told("acme", "resp_1", DONE)
    assert [(each["id"], each["usd"]) for each in process.lines("request")][1:] == [("req-1", "1.52")]


async def test_one_that_cannot_be_booked_keeps_no_other_from_it(
    started: Started, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(awaiting, "SOONEST", 0.0)
    monkeypatch.setattr(awaiting, "_TURN", 0.001)
    monkeypatch.setattr(awaiting, "LATEST", 0.01)
    process = started(resp_1=DONE, resp_2=DONE)
    await process.reopen()
    odd = awaited(1)
    odd.request = {**odd.request, "of_a_newer_weir": "a secret"}
    process.awaiting.begin(odd, None, {})
    process.begin(2)
    task = asyncio.create_task(process.awaiting.run())
    async with asyncio.timeout(10):
        while not process.lines("request"):  # noqa: ASYNC110  # a journal tells nobody
            await asyncio.sleep(0.01)
        assert [each["id"] for each in process.lines("request")] == ["req-2"]
        while not process.awaiting.stuck:  # noqa: ASYNC110  # nor does this
            await asyncio.sleep(0.01)
        assert "req-1" in caplog.text
        process.awaiting.told("acme", "resp_1", DONE)  # a client that looks has its answer all the same
        del odd.request["of_a_newer_weir"]  # type: ignore[attr-defined]  # a dict
        while process.awaiting.stuck or len(process.lines("request")) < 2:  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.01)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_provider_asked_in_vain_keeps_no_other_from_being_asked(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = started(resp_1=DONE)
    await process.reopen()
    process.begin()

    async def fails(*_: str) -> Standing:
        raise RuntimeError

    with monkeypatch.context() as once:
        once.setattr(process.awaiting, "_ask", fails)
        await process.look()
    assert process.awaiting.stuck == 1
    await process.look()
    assert (process.awaiting.stuck, len(process.lines("request"))) == (0, 1)


async def test_what_is_booked_and_not_written_yet_is_open_in_the_snapshot(started: Started) -> None:
    first = started()
    await first.reopen()
    first.begin(relayed=True)
    line = first.ledger.line_up(RequestRecord(id="req-1", at=1, tenant="acme"))
    first.awaiting.over("req-1", line)
    await first.awaiting.note()
    noted = json.loads((first.ledger.directory / "awaited.json").read_text())
    assert [each["id"] for each in noted["open"]] == ["req-1"], "a kill would lose its line"
    first.ledger.write_out()
    await first.awaiting.note()
    assert not json.loads((first.ledger.directory / "awaited.json").read_text())["open"]


async def test_a_stream_under_way_is_not_asked_about(started: Started) -> None:
    process = started(resp_1=DONE)
    await process.reopen()
    process.begin(relayed=True)
    await process.look()
    process.awaiting.told("acme", "resp_1", DONE)
    assert not process.asked
    assert not process.lines("request")
    process.begin()  # it broke
    await process.look()
    assert len(process.lines("request")) == 1


@pytest.mark.parametrize(
    ("standing", "outcome", "error", "usd"),
    [
        (Ended("incomplete", USED, "length", None, None), "ok", "", "1.52"),
        (Ended("failed", TokenUsage(), "", None, None), "failed", "response_failed", "0.007"),
        (Ended("cancelled", TokenUsage(), "", None, None), "cancelled", "", "0.007"),
        (Ended("cancelled", USED, "", None, None), "cancelled", "", "1.52"),
    ],
)
async def test_however_it_ends_what_is_known_is_booked(
    started: Started, standing: Ended, outcome: str, error: str, usd: str
) -> None:
    process = started(resp_1=standing)
    await process.reopen()
    process.begin()
    await process.look()
    request, attempt = process.lines("request")[0], process.lines("attempt")[0]
    assert (request.get("outcome", "ok"), request.get("error", "")) == (outcome, error)
    assert (attempt.get("outcome", "ok"), attempt["usd"], request["usd"]) == (outcome, usd, usd)


async def test_what_nobody_can_tell_of_any_more_is_unknown_and_not_zero(started: Started) -> None:
    process = started(resp_1="missing")
    await process.reopen()
    process.begin()
    await process.look()
    process.says["resp_1"] = "unknown"  # away for a moment: it counts anew
    await process.look()
    process.says["resp_1"] = "missing"
    for _ in range(awaiting.MISSES):
        assert not process.lines("request")
        await process.look()
    request, attempt = process.lines("request")[0], process.lines("attempt")[0]
    assert "usd" not in request
    assert "usd" not in attempt
    assert (attempt["error"], attempt.get("usage_source", "unknown")) == ("response_lost", "unknown")


async def test_it_is_not_waited_for_for_ever(started: Started) -> None:
    process = started()
    await process.reopen()
    old = time.time_ns() - int((awaiting.LONGEST + 1) * 1e9)
    process.awaiting.begin(awaited(1, at=old), None, {})
    await process.look()
    assert process.lines("attempt")[0]["error"] == "response_lost"


async def test_a_model_that_left_has_no_price(started: Started) -> None:
    process = started(resp_1=DONE)
    await process.reopen()
    process.tariffs = {}
    process.begin()
    await process.look()
    attempt = process.lines("attempt")[0]
    assert ("usd" in attempt, attempt["output_tokens"]) == (False, 500)


async def test_two_attempts_that_both_began_something_wait_for_each_other(started: Started) -> None:
    process = started(resp_1=DONE)
    await process.reopen()
    one, two = awaited(1), awaited(2)
    other = {**two.attempts[0], "id": "req-1/2", "request": "req-1", "n": 2}
    both = {**one.responses, "req-1/2": "resp_2"}
    one.responses, one.attempts = both, (*one.attempts, other)
    process.awaiting.begin(one, None, {})
    await process.look()
    assert not process.lines("request")
    process.awaiting.told(
        "acme", "resp_2", Ended("completed", TokenUsage(input=1, source="reported"), "stop", None, None)
    )
    assert process.lines("request")[0]["usd"] == "1.521"
    assert [each["usd"] for each in process.lines("attempt")] == ["1.52", "0.001"]


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


async def test_it_looks_by_itself(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awaiting, "SOONEST", 0.0)
    monkeypatch.setattr(awaiting, "_TURN", 0.001)
    process = started(**{f"resp_{number}": DONE for number in range(40)})
    await process.reopen()
    for number in range(40):
        process.begin(number)
    task = asyncio.create_task(process.awaiting.run())
    async with asyncio.timeout(60):
        while len(process.lines("request")) < 40:  # noqa: ASYNC110  # a journal tells nobody
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "\nweir_requests_awaited 0" in process.metrics.render().decode()
