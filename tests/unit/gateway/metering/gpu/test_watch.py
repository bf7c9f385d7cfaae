"""What readings tell: which time was watched, when the engine ran, what was counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fleet.engines.reading import EngineReading, Reading
from gateway.metering.gpu.facts import SECOND
from gateway.metering.gpu.watch import Watch

MS = 1_000_000


def engine(name: str = "0", **figures: float) -> EngineReading:
    return EngineReading(name, **({"steps": 0.0} | figures))


def reading(at: int, *engines: EngineReading, boot: float = 0.0, counters: bool = True) -> Reading:
    return Reading(at, at, engines or (engine(),), boot, counters)


def watched(*readings: Reading) -> Watch:
    watch = Watch()
    for each in readings:
        watch.add(each)
    return watch


def test_counts_between_pages_are_spread_evenly():
    watch = watched(
        reading(
            0,
            engine(
                steps=10, generated=100, computed=50, prompts=80, started=2, kv_usage=0.2, kv_capacity=1e4
            ),
        ),
        reading(
            2 * SECOND,
            engine(
                steps=30, generated=300, computed=250, prompts=480, started=4, kv_usage=0.4, kv_capacity=1e4
            ),
        ),
    )
    first = watch.counted(0, SECOND)
    assert first is not None
    assert (first.steps, first.generated, first.computed, first.prompts) == (10, 100, 100, 200)
    assert first.context == pytest.approx(10 * 0.3 * 1e4)
    assert first.looked_back == pytest.approx(100 * (400 - 100) / 2)
    assert watch.counted_until() == 2 * SECOND


def test_time_no_page_covers_is_not_counted():
    watch = watched(reading(0), reading(SECOND))
    assert watch.counted(SECOND, 2 * SECOND) is None
    assert watch.counted(SECOND // 4, SECOND + SECOND // 4) is not None


@pytest.mark.parametrize(
    "after",
    [
        reading(SECOND, engine(steps=3, generated=3)),  # counters began anew
        reading(SECOND, engine(steps=900, generated=900), boot=2.0),  # the process is another one
        reading(SECOND, engine("1", steps=900, generated=900)),  # so is the engine
    ],
)
def test_counts_across_a_restart_are_unknown(after):
    watch = watched(reading(0, engine(steps=500, generated=500), boot=1.0), after)
    assert watch.counted(0, SECOND) is None


def test_without_a_step_counter_steps_follow_from_tokens_and_requests():
    before = EngineReading("0", running=4, generated=0)
    after = EngineReading("0", running=4, generated=400)
    counted = watched(reading(0, before), reading(SECOND, after)).counted(0, SECOND)
    assert counted is not None
    assert counted.steps == 100


def test_only_samples_outside_own_requests_tell_of_the_rest():
    running = engine(running=1)
    watch = watched(*(reading(at * 100 * MS, running if at < 6 else engine()) for at in range(21)))
    assert watch.rest(0, SECOND, [(0, 550 * MS)]) == (0, 0)
    assert watch.rest(0, SECOND, []) == (pytest.approx(6 / 11 * SECOND, abs=1), 0)


def test_a_gap_between_samples_is_unobserved():
    watch = watched(reading(0), reading(SECOND), reading(9 * SECOND), reading(10 * SECOND))
    assert watch.rest(0, 10 * SECOND, []) == (0, 8 * SECOND)
    assert watch.rest(0, 10 * SECOND, [(2 * SECOND, 5 * SECOND)]) == (0, 5 * SECOND)


def test_readings_out_of_order_are_dropped():
    watch = watched(reading(SECOND, engine(steps=5)), reading(0, engine(steps=1)))
    assert watch.counted(0, SECOND) is None


def test_an_engine_nobody_sees_is_taken_to_be_idle():
    assert Watch().idle_at(0)
    busy = watched(reading(0, engine(running=1)))
    assert not busy.idle_at(SECOND)
    assert busy.idle_at(60 * SECOND)


def test_a_queue_is_seen_on_the_last_page():
    assert watched(reading(0, engine(waiting=3))).queued
    assert not watched(reading(0, engine(waiting=3)), reading(1, engine())).queued


moments = st.lists(st.tuples(st.integers(0, 9_000), st.booleans()), max_size=20)
spans = st.lists(st.tuples(st.integers(0, 4_000), st.integers(1, 3_000)), max_size=1)


@given(moments, spans, st.integers(0, 5_000))
def test_the_rest_is_busy_unobserved_or_idle_and_nothing_else(samples, own, begin):
    watch = watched(*(reading(at * MS, engine(running=float(busy))) for at, busy in sorted(samples)))
    taken = [(at * MS, (at + lasts) * MS) for at, lasts in own]
    end = begin * MS + SECOND
    busy, unobserved = watch.rest(begin * MS, end, taken)
    inside = sum(max(0, min(end, stop) - max(begin * MS, start)) for start, stop in taken)
    assert busy >= 0
    assert unobserved >= 0
    assert busy + unobserved <= SECOND - inside
