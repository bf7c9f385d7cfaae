"""The ledger's databases add up exactly, however it is asked for."""

from contextlib import closing
from decimal import Decimal

import pytest

from gateway.ledger.schema import ROLLUPS, TABLES
from gateway.ledger.sums import GPU_TIME, SPENT
from tests.integration.ledger.stored import ALWAYS, DAY, MIDNIGHT, change, records_of, shipped


@pytest.mark.parametrize(
    "by", [(), ("tenant",), ("day",), ("hour", "route"), ("workflow", "model", "backend", "zone")]
)
def test_sums_are_exact_however_they_are_grouped(name, journal, by):
    attempts = [records_of(i)[1] for i in range(150)]
    with closing(shipped(name, journal)) as store:
        found = store.sums(SPENT, by, *ALWAYS)
    assert sum(spend.usd for spend in found) == sum(attempt.usd or Decimal(0) for attempt in attempts)
    assert sum(spend.unpriced for spend in found) == 15
    assert sum(spend.input_tokens for spend in found) == sum(attempt.usage.input for attempt in attempts)
    assert sum(spend.cached_tokens for spend in found) == sum(
        attempt.usage.cache_read for attempt in attempts
    )
    assert sum(spend.output_tokens for spend in found) == sum(attempt.usage.generated for attempt in attempts)
    assert sum(spend.gpu_ns for spend in found) == sum(attempt.gpu_ns for attempt in attempts)
    assert [spend.by for spend in found] == sorted({spend.by for spend in found})


def test_gpu_time_is_summed_with_its_corrections(name, journal):
    bookings = [records_of(i)[2] for i in range(150)]
    with closing(shipped(name, journal)) as store:
        (found,) = store.sums(GPU_TIME, ["backend", "use"], *ALWAYS)
    assert found.by == ("gpu-a", "request")
    assert found.gpu_ns == sum(booking.gpu_ns for booking in bookings)
    assert found.usd == Decimal("0.000000000000150")


def test_days_are_named_and_ends_are_kept(name, journal):
    with closing(shipped(name, journal)) as store:
        found = store.sums(SPENT, ["day"], MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)
        assert [spend.by for spend in found] == [("2024-10-05",)]
        within = [i for i in range(150) if DAY <= i * 1_234_567_890_123 < 2 * DAY]
        assert found[0].attempts == len(within)
        assert store.sums(SPENT, ["day"], 0, MIDNIGHT) == []
        assert store.sums(SPENT, [], 0, MIDNIGHT) == []


def test_every_hourly_table_holds_the_sums_of_its_rows(name, journal):
    shipped(name, journal).close()
    for rollup in ROLLUPS[:4]:  # test_actions.py fills the others
        whole = change(name, f"SELECT count(*) FROM {TABLES[rollup.kind]}")[0][0]  # noqa: S608  # names of our own
        assert whole == 150
        for total in rollup.sums:
            if total.name in {"gpu_ns", "duration_ns"}:
                rows = change(name, f"SELECT sum({total.name}) FROM {TABLES[rollup.kind]}")  # noqa: S608  # names of our own
                assert change(name, f"SELECT sum({total.name}) FROM {rollup.table}") == rows  # noqa: S608  # names of our own
