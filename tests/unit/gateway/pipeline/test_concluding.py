"""However it ended, what is known of it is booked: what nobody can tell is unknown, which is not zero."""

import time
from decimal import Decimal
from typing import Any

import pytest

from adapters.chat import TokenUsage
from adapters.dialects.responses.kept import Ended
from gateway.metering.charges import Charge
from gateway.pipeline import awaiting
from tests.unit.gateway.pipeline.open_requests import DONE, USED, PerToken, Started, awaited


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


class OnGpus(PerToken):
    """By GPU time; it fails once."""

    by_gpu = True
    fails = True

    def charge(self, usage: TokenUsage, gpu_ns: int, at_ns: int) -> Charge:
        del usage, at_ns
        if self.fails:
            self.fails = False
            raise ArithmeticError
        return Charge(Decimal(gpu_ns) / 10**9, {"gpu": Decimal(gpu_ns) / 10**9}, "rate")


class OnceTicket:
    """One attempt's GPU time, told to who ends it, once."""

    ns = 7_000_000_000

    def end(self, *_: Any, **__: Any) -> int:
        ns, self.ns = self.ns, 0
        return ns


async def test_what_is_tried_again_has_its_gpu_time_and_is_counted_once(started: Started) -> None:
    process = started(resp_1=DONE)
    await process.reopen()
    process.tariffs = {"gpt": OnGpus()}
    process.awaiting.begin(awaited(1), None, {"req-1/1": OnceTicket()})  # type: ignore[dict-item]  # all that is asked of one
    await process.look()
    assert (process.awaiting.stuck, process.lines("request")) == (1, [])
    await process.look()
    attempt, request = process.lines("attempt")[0], process.lines("request")[0]
    assert (attempt["gpu_ns"], attempt["usd"], request["usd"]) == (7_000_000_000, "7", "7")
    tokens = [line for line in process.metrics.render().decode().splitlines() if "weir_tokens_total{" in line]
    assert sum(float(line.rpartition(" ")[2]) for line in tokens) == USED.prompt + USED.generated
