"""Two gateways before one engine book each nanosecond once between them, whatever cannot be asked in between."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.chat import TokenUsage
from gateway.fleet.engines.reading import EngineReading, Reading
from gateway.metering.gpu.accounts import GpuAccounts
from gateway.metering.gpu.counts import Counted
from gateway.metering.gpu.doubt import Doubt
from gateway.metering.gpu.facts import SECOND, Booking, GpuBackend, Row, RowKey, Tokens
from gateway.metering.gpu.hardware import NEUTRAL
from gateway.metering.gpu.hindsight import Prompt
from gateway.metering.gpu.rows import Drawn, Knowledge
from gateway.metering.gpu.rules import Rules
from gateway.metering.gpu.shared_rows import SharedRows
from gateway.metering.gpu.ticket import Silence
from tests.pools import FakePools, KeptPools

MS = 1_000_000
END = 15 * SECOND


def row(writer: str = "a") -> Row:
    return Row(writer, SECOND, SECOND, SECOND, 0, 0, 1.0, NEUTRAL, 1.0, 1)


KEY = RowKey("gpu-a", "http://a", 1, 7)


async def test_the_first_row_stands_and_its_pool_is_shared():
    kept = KeptPools()
    one, two = SharedRows(FakePools(kept), "one"), SharedRows(FakePools(kept), "two")
    assert await one.publish(KEY, row("a"), 100) == row("a")
    assert await two.publish(KEY, row("b"), 999) == row("a")
    assert await one.draw(KEY, 80) == Drawn(80, 0)
    assert await two.draw(KEY, 80) == Drawn(20, 0)
    assert await one.draw(KEY, -30) == Drawn(-30, 0)
    assert await one.close(KEY) == 30
    assert await two.draw(KEY, 50) == Drawn(30, 30)


async def test_tokens_are_told_and_portions_follow_what_was_drawn():
    kept = KeptPools()
    one, two = SharedRows(FakePools(kept), "one"), SharedRows(FakePools(kept), "two")
    for rows in (one, two):
        await rows.publish(KEY, row(), 1_000)
    await one.tell(KEY, Tokens(10, 30))
    assert await two.tell(KEY, Tokens(10, 10)) == Tokens(20, 40)
    await one.draw(KEY, 300)
    await two.draw(KEY, 100)
    assert await one.portion(KEY, Tokens(10, 30)) == 450
    await one.draw(KEY, 450)
    assert await two.portion(KEY, Tokens(10, 10)) == 150


async def test_before_a_row_is_posted_each_says_what_it_knows():
    kept = KeptPools()
    one, two = SharedRows(FakePools(kept), "one"), SharedRows(FakePools(kept), "two")
    known = Knowledge(
        Counted(computed=5.5, generated=3),
        Counted(),
        Doubt(2.5, 40.0),
        ((1, 2), (5, 9)),
        over=False,
        present_ns=7,
        silences=(Silence(400, 3, 1_000.5),),
        prompts=(Prompt(1, 4, 100.5, 2_000.0),),
        writers=(1.0, 2.5),
    )
    assert await one.meet(KEY, None) == []
    assert await two.meet(KEY, known) == [None]
    assert await one.meet(KEY, known) == [known]


@pytest.mark.parametrize(
    ("theirs", "writer"), [("{}", ""), ('{"writer": "b", "of": "another version"}', "b")]
)
async def test_a_gateway_of_another_version_shares_the_pool_and_not_its_prices(theirs, writer):
    kept = KeptPools()
    one, two = SharedRows(FakePools(kept), "one"), SharedRows(FakePools(kept), "two")
    await two.publish(KEY, row("b"), 100)
    await two.meet(KEY, None)
    for pool, said in zip(kept.pools.values(), kept.said.values(), strict=True):
        pool.text = said["two"] = theirs
    assert await one.meet(KEY, None) == [None]
    posted = await one.publish(KEY, row("a"), 999)
    assert posted == row(writer), "its own prices; and the other one books what nobody claims"
    assert await one.draw(KEY, 80) == Drawn(80, 0)
    assert await one.draw(KEY, 80) == Drawn(20, 0)


@pytest.mark.parametrize("fault", ["before", "after"])
async def test_what_was_not_answered_is_not_drawn_twice(fault):
    kept, faults = KeptPools(), iter(["", fault])
    rows = SharedRows(FakePools(kept, lambda: next(faults, "")), "one")
    await rows.publish(KEY, row(), 100)
    assert await rows.draw(KEY, 60) == Drawn(60, 0)  # by what it knows itself
    assert not rows.settled(KEY)
    assert await rows.close(KEY) is None
    settled = await rows.settle(KEY)
    assert settled is not None
    assert settled.late_ns == 0
    assert await rows.close(KEY) == 40


async def test_a_gateway_that_was_away_says_late_what_it_billed():
    kept, away = KeptPools(), ["before"]
    one = SharedRows(FakePools(kept), "one")
    two = SharedRows(FakePools(kept, lambda: away[0]), "two")
    assert await two.publish(KEY, row("b"), 100) == row("b")
    assert await two.draw(KEY, 70) == Drawn(70, 0)
    assert await two.settle(KEY) is None
    await one.publish(KEY, row("a"), 100)
    assert await one.draw(KEY, 60) == Drawn(60, 0)
    assert await one.close(KEY) == 40
    away[0] = ""
    settled = await two.settle(KEY)
    assert settled is not None
    assert (settled.row, settled.late_ns) == (row("a"), 70)  # foreign is 40 - 70: it was billed twice


async def test_a_pool_that_was_forgotten_gives_what_is_known_here():
    kept = KeptPools()
    rows = SharedRows(FakePools(kept), "one")
    await rows.publish(KEY, row(), 100)
    await rows.draw(KEY, 30)
    kept.pools.clear()
    assert await rows.draw(KEY, 90) == Drawn(70, 0)
    assert await rows.close(KEY) == 0
    assert await rows.draw(KEY, -20) == Drawn(-20, -20)


plans = st.lists(
    st.tuples(
        st.integers(0, 1), st.integers(0, 9_000), st.integers(1, 3_000), st.integers(1, 60), st.booleans()
    ),
    max_size=10,
)
outages = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 14_000), st.integers(1, 6_000)), max_size=3)


@settings(max_examples=100, deadline=None)
@given(plans, outages, st.lists(st.sampled_from(["", "", "", "before", "after"]), max_size=40), st.booleans())
def test_every_nanosecond_is_booked_once_between_them(plans, outages, faults, swap):
    kept, now, stray = KeptPools(), [0], iter(faults)

    def fault_of(gateway: int):
        def fault() -> str:
            if any(
                who == gateway and begun * MS <= now[0] < (begun + lasts) * MS
                for who, begun, lasts in outages
            ):
                return "before"
            return next(stray, "")

        return fault

    pair = [
        GpuAccounts(
            [GpuBackend("gpu-a", ("r0",), 2, None, NEUTRAL)],
            now_ns=0,
            wall_ns=5_000 * SECOND,
            gateway=f"g{number}",
            rows=SharedRows(FakePools(kept, fault_of(number)), f"g{number}"),
            rules=Rules(linger=2, patience_ns=SECOND, company_ns=SECOND),
        )
        for number in (0, 1)
    ]
    events = [(plan[1], 0, plan) for plan in plans] + [(moment * 500, 1, None) for moment in range(1, 30)]
    booked: list[Booking] = []
    steps = 0
    for at, kind, plan in sorted(events, key=lambda event: event[:2]):
        now[0] = at * MS
        if kind == 0:
            gateway, _, lasts, tokens, streamed = plan
            ticket = pair[gateway].at("gpu-a", "r0").begin(gateway, now[0], streamed=streamed)
            ticket.tokens(now[0], tokens if streamed else 0)
            ticket.end(now[0] + lasts * MS, TokenUsage(input=40, output=tokens, source="reported"))
            steps += tokens
            continue
        engine = EngineReading("0", steps=steps, generated=steps, computed=steps, prompts=steps)
        for accounts in reversed(pair) if swap else pair:
            accounts.observe("gpu-a", "r0", Reading(now[0], now[0], (engine,)))
            booked += accounts.close_windows(now[0])
    now[0], outages, stray = 60 * SECOND, [], iter(())
    for _ in range(2):
        for accounts in pair:
            booked += accounts.finish(END)
    sums: Counter[str] = Counter()
    for booking in booked:
        sums[booking.kind] += booking.gpu_ns
    provisioned = sum(accounts.provisioned("gpu-a", "r0") for accounts in pair)
    assert sum(sums.values()) == provisioned == 2 * END
    signed = {"foreign", "waiting"}  # below nothing where both billed the same time while they could not ask
    assert min(ns for kind, ns in sums.items() if kind not in signed) >= 0
