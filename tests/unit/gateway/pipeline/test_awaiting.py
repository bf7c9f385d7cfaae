"""What is worked on in the background stays open until somebody knows how it ended, and is booked once."""

import asyncio

import pytest

from adapters.chat import TokenUsage
from adapters.dialects.responses.kept import Ended
from gateway.dispatch.polling import Standing
from gateway.pipeline import awaiting
from tests.unit.gateway.pipeline.open_requests import DONE, Started, awaited


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
    async with asyncio.timeout(60):
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
