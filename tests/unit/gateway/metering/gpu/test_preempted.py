"""Whose requests an engine had dropped, by who fell silent when it counted that."""

from collections import Counter
from dataclasses import replace

import pytest

from adapters.chat import TokenUsage
from gateway.fleet.engines.reading import EngineReading, Reading
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.facts import SECOND, Coefficients, GpuBackend
from gateway.metering.gpu.preempted import Preempted
from gateway.metering.gpu.rules import Rules
from gateway.metering.gpu.shared_rows import SharedRows
from gateway.metering.gpu.ticket import Silence
from tests.pools import FakePools, KeptPools

COSTS = Coefficients(step=0.1, prompt=0.0005, context=0.0, attention=0.0)
LONG, SHORT = Silence(2 * SECOND, 5, 1_000.0), Silence(SECOND, 6, 9_000.0)


def test_the_longest_silent_were_dropped():
    assert Preempted().whose(7, 1.0, [SHORT, LONG]) == [LONG]
    assert Preempted().whose(7, 2.0, [SHORT, LONG]) == [LONG, SHORT]
    assert Preempted().whose(7, 0.0, [SHORT, LONG]) == ()


def test_a_preemption_counted_when_the_silence_began_will_do():
    preempted = Preempted()
    assert preempted.whose(5, 1.0, []) == []
    assert preempted.whose(7, 0.0, [SHORT, LONG]) == [LONG]
    assert not preempted.whose(7, 0.0, [LONG])  # it was one


def test_preemptions_long_before_are_not_of_these():
    preempted = Preempted()
    preempted.whose(2, 1.0, [])
    assert not preempted.whose(7, 0.0, [SHORT, LONG])


@pytest.mark.parametrize("at", [6, 7])
def test_pages_may_split_it_between_windows(at):
    preempted = Preempted()
    assert not preempted.whose(6, 0.5, [SHORT] if at == 6 else [])
    assert preempted.whose(7, 0.5, [SHORT] if at == 7 else []) == ([SHORT] if at == 7 else [])


class Played:
    """Two streams of 1,000 prompt tokens, of which one is silent in seconds 4 and 5. `booked`: GPU ns by owner."""

    def __init__(self, gateways: int, preemptions: float) -> None:
        self.accounts = accounts(gateways)
        self.booked: Counter[object] = Counter()
        books = [self.accounts[number % gateways].at("gpu", "r0") for number in range(2)]
        dropped, other = (
            book.begin(owner, 0, prompt_tokens=1_000, streamed=True)
            for book, owner in zip(books, ("dropped", "other"), strict=True)
        )
        written = 0
        for second in range(12):
            for ticket in (other,) if second in (4, 5) else (dropped, other):
                ticket.tokens(second * SECOND + SECOND // 2, 10)
                written += 10
            self.page(second, written, preemptions if second >= 6 else 0.0)
        for ticket in (dropped, other):
            ticket.end(12 * SECOND, TokenUsage(1_000, 0, 0, 120, source="reported"))
        for second in range(12, 50):
            self.close(second)

    def page(self, second: int, written: int, preempted: float) -> None:
        at = second * SECOND + 900 * SECOND // 1000
        engine = EngineReading("0", 2, 0, 0.1, 1e5, 10.0 * second, 2_000, written, 2_000, 2)
        for each in self.accounts:
            each.observe("gpu", "r0", Reading(at, at, (replace(engine, preempted=preempted),)))
        self.close(second)

    def close(self, second: int) -> None:
        for each in self.accounts:
            for booking in each.close_windows(second * SECOND):
                self.booked[booking.owner] += booking.gpu_ns if booking.owner else 0


def accounts(gateways: int) -> list[GpuAccounts]:
    kept, backend = KeptPools(), GpuBackend("gpu", ("r0",), 1, None, COSTS)
    if gateways == 1:
        return [GpuAccounts([backend], now_ns=0, wall_ns=0)]
    return [
        GpuAccounts(
            [backend],
            now_ns=0,
            wall_ns=0,
            gateway=name,
            rules=Rules.in_company(),
            rows=SharedRows(FakePools(kept), name),
        )
        for name in map(str, range(gateways))
    ]


@pytest.mark.parametrize("gateways", [1, 2])
def test_who_was_preempted_pays_for_being_computed_anew(gateways):
    calm, short_of_memory = (Played(gateways, number).booked for number in (0.0, 1.0))
    # of a second in which 1,000 tokens were computed in half of one, it pays 2/3, not 1/2
    assert short_of_memory["dropped"] - calm["dropped"] > 0.12 * SECOND
    assert sum(short_of_memory.values()) == pytest.approx(sum(calm.values()), rel=0.01)
