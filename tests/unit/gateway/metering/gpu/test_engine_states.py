"""Engines that sleep and wake, and adapters that share one."""

from collections import Counter

import pytest

from adapters.chat import TokenUsage
from gateway.fleet.engines.page import boot, engines
from gateway.fleet.engines.reading import Reading
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.facts import SECOND, GpuBackend
from gateway.metering.gpu.hardware import NEUTRAL

MS = 1_000_000


def accounts(gpus: int = 1) -> GpuAccounts:
    return GpuAccounts([GpuBackend("gpu", ("r0",), gpus, None, NEUTRAL)], now_ns=0, wall_ns=0)


def page(
    second: int, *, running: int, steps: int, awake: bool = True, models: tuple[str, ...] = ("base",)
) -> Reading:
    """A metrics page whose counters are divided among `models`."""
    lines = [f'vllm:engine_sleep_state{{engine="0",sleep_state="awake"}} {int(awake)}.0']
    for name in models:
        labels, share = f'{{engine="0",model_name="{name}"}}', 1 / len(models)
        lines += [
            f"vllm:num_requests_running{labels} {running * share}",
            f"vllm:iteration_tokens_total_count{labels} {steps * share}",
            f"vllm:iteration_tokens_total_sum{labels} {2 * steps * share}",
            f"vllm:generation_tokens_total{labels} {2 * steps * share}",
            f"vllm:prompt_tokens_total{labels} 0.0",
        ]
    text = "\n".join(lines).encode()
    return Reading(second * SECOND, second * SECOND, engines(text), boot(text))


def test_a_sleeping_engine_is_idle_and_its_counters_go_on_when_it_wakes():
    books = accounts(gpus=2)
    steps = 0
    for second in range(13):
        working = second < 4 or second > 9
        steps += 50 * working
        books.observe("gpu", "r0", page(second, running=1, steps=steps, awake=working))
    used: Counter[str] = Counter()
    for booking in books.finish(12 * SECOND):
        used[booking.kind] += booking.gpu_ns
    assert sum(used.values()) == 2 * 12 * SECOND
    assert used["foreign"] + used["waiting"] == pytest.approx(2 * 6 * SECOND, abs=3 * SECOND)
    assert used["idle"] == pytest.approx(2 * 6 * SECOND, abs=3 * SECOND)


def test_adapters_share_the_time_of_the_engine_they_are_loaded_in():
    books = accounts()
    book = books.at("gpu", "r0")
    tickets = [book.begin(model, SECOND, streamed=True) for model in ("base", "adapter")]
    for tenth in range(30):
        for ticket in tickets:
            ticket.tokens(SECOND + tenth * 100 * MS, 5)
    for ticket in tickets:
        ticket.end(4 * SECOND, TokenUsage(output=150, source="reported"))
    for second in range(9):
        done = 50 * min(3, max(0, second - 1))
        running = 2 * (1 < second < 4)
        books.observe("gpu", "r0", page(second, running=running, steps=done, models=("base", "adapter")))
    used: Counter[object] = Counter()
    for booking in books.finish(8 * SECOND):
        used[booking.owner or booking.kind] += booking.gpu_ns
    assert used["base"] == pytest.approx(used["adapter"], rel=0.02)
    assert used["base"] + used["adapter"] == pytest.approx(3 * SECOND, rel=0.05)
    assert used["foreign"] == 0
