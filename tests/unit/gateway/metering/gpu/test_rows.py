"""Rows that gateways share, and two gateways before one engine."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.chat import TokenUsage
from gateway.fleet.engines.reading import EngineReading, Reading
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.facts import SECOND, Booking, GpuBackend, Row, RowKey, Tokens
from gateway.metering.gpu.hardware import NEUTRAL
from gateway.metering.gpu.rows import InProcessRows
from gateway.metering.gpu.rules import Rules

MS = 1_000_000


def row(writer: str = "a") -> Row:
    return Row(writer, SECOND, SECOND, SECOND, 0, 0, 1.0, NEUTRAL, 1.0, 1)


def key(window: int = 7) -> RowKey:
    return RowKey("gpu-a", "r0", 1, window)


async def test_the_first_row_stands():
    rows = InProcessRows()
    assert await rows.publish(key(), row("a"), 100) == row("a")
    assert await rows.publish(key(), row("b"), 999) == row("a")
    assert (await rows.draw(key(), 1_000)).gpu_ns == 100


async def test_a_pool_is_drawn_until_it_is_empty_and_takes_back():
    rows = InProcessRows()
    await rows.publish(key(), row(), 100)
    assert (await rows.draw(key(), 80)).gpu_ns == 80
    assert (await rows.draw(key(), 80)).gpu_ns == 20
    assert (await rows.draw(key(), -30)).gpu_ns == -30
    assert await rows.close(key()) == 30
    late = await rows.draw(key(), 50)
    assert (late.gpu_ns, late.late_ns) == (30, 30)


async def test_windows_long_gone_give_nothing():
    rows = InProcessRows(keep=2)
    for window in range(5):
        await rows.publish(key(window), row(), 100)
    assert (await rows.draw(key(1), 10)).gpu_ns == 0
    assert (await rows.draw(key(4), 10)).gpu_ns == 10


plans = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 9_000), st.integers(1, 3_000), st.integers(1, 60)),
    max_size=10,
)


@settings(max_examples=60, deadline=None)
@given(plans, st.integers(0, 2), st.booleans())
def test_two_gateways_book_every_nanosecond_once_between_them(plans, linger, swap):
    rows = InProcessRows()
    pair = [
        GpuAccounts(
            [GpuBackend("gpu-a", ("r0",), 2, None, NEUTRAL)],
            now_ns=0,
            wall_ns=5_000 * SECOND,
            gateway=name,
            rows=rows,
            rules=Rules(linger=linger, patience_ns=SECOND),
        )
        for name in "ab"
    ]
    events = [(begun, 0, plan) for plan in plans for begun in [plan[1]]]
    events += [(moment * 500, 1, None) for moment in range(1, 30)]
    booked: list[Booking] = []
    steps = 0
    for at, kind, plan in sorted(events, key=lambda event: event[:2]):
        now = at * MS
        if kind == 0:
            gateway, _, lasts, tokens = plan
            ticket = pair[gateway].at("gpu-a", "r0").begin(gateway, now)
            ticket.end(now + lasts * MS, TokenUsage(input=40, output=tokens, source="reported"))
            steps += tokens
            continue
        engine = EngineReading("0", steps=steps, generated=steps, computed=steps, prompts=steps)
        for accounts in reversed(pair) if swap else pair:
            accounts.observe("gpu-a", "r0", Reading(now, now, (engine,)))
            booked += accounts.close_windows(now)
    for accounts in pair:
        booked += accounts.finish(15 * SECOND)
    for accounts in pair:
        booked += accounts.close_windows(15 * SECOND)
    sums: Counter[str] = Counter()
    for booking in booked:
        sums[booking.kind] += booking.gpu_ns
    provisioned = sum(accounts.provisioned("gpu-a", "r0") for accounts in pair)
    assert sum(sums.values()) == provisioned == 2 * 15 * SECOND
    assert min(sums.values()) >= 0


async def test_what_nobody_claims_is_portioned_by_the_tokens_each_gateway_told():
    rows = InProcessRows()
    await rows.publish(key(), row(), 1_000)
    first, second = Tokens(10, 30), Tokens(10, 10)
    assert await rows.tell(key(), first) == first
    assert await rows.tell(key(), second) == Tokens(20, 40)
    assert await rows.portion(key(), first) == 750
    await rows.draw(key(), 750)
    assert await rows.portion(key(), second) == 250


async def test_a_gateway_that_told_nothing_gets_no_portion_while_others_may():
    rows = InProcessRows()
    await rows.publish(key(), row(), 1_000)
    await rows.tell(key(), Tokens(5, 5))
    assert await rows.portion(key(), Tokens()) == 0
    assert await rows.portion(key(3), Tokens()) == 0
