"""Energy adds up: what the uses of closed windows got is what the meter counted, and unknown is not 0."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.metering.energy.meter import Meter
from gateway.metering.energy.split import Splitter
from gateway.metering.gpu.facts import SECOND, Booking, Kind, Row
from gateway.metering.gpu.hardware import NEUTRAL

ROW = Row("me", SECOND, SECOND, SECOND, 0, 0, 1.0, NEUTRAL, 1.0, 1)


def booking(
    window: int, kind: Kind, gpu_ns: int, owner: str | None = None, *, correction: bool = False
) -> Booking:
    return Booking(kind, owner, "gpu-a", "http://a", window, gpu_ns, correction, ROW)


def metered(*readings: tuple[float, int], gap: int = 120) -> Meter:
    meter = Meter(gap * SECOND)
    for at, energy in readings:
        meter.add(int(at * SECOND), {"0": energy})
    return meter


@given(st.lists(st.integers(0, 10**9), min_size=3, max_size=20), st.data())
def test_every_microjoule_between_the_readings_is_given_once(steps: list[int], data: st.DataObject) -> None:
    total, meter = 0, Meter(10 * SECOND)
    for i, step in enumerate(steps):
        total += step + 1
        meter.add(i * SECOND, {"0": total})
    splitter = Splitter(meter)
    for window in range(len(steps) - 1):
        for owner in ("r1", "r2", None):
            ns = data.draw(st.integers(1, SECOND))
            splitter.book(booking(window, "request" if owner else "idle", ns, owner))
    list(splitter.settle(final=True))
    given_out = [portion.energy_uj for portion in splitter.take()]
    assert sum(each or 0 for each in given_out) == total - (steps[0] + 1)


def test_energy_is_shared_like_gpu_time_and_waiting_takes_none() -> None:
    splitter = Splitter(metered((10, 0), (11, 1_000), (12, 3_000)))
    splitter.book(booking(10, "request", 750, "r1"))
    splitter.book(booking(10, "idle", 250))
    splitter.book(booking(10, "waiting", 500))
    splitter.book(booking(10, "request", 900, "r1", correction=True))
    splitter.book(booking(11, "foreign", 1_000))
    list(splitter.settle(final=True))
    got = {(each.use, each.owner): each.energy_uj for each in splitter.take()}
    assert got == {("request", "r1"): 750, ("idle", None): 250, ("foreign", None): 2_000}


def test_a_reset_counter_leaves_its_interval_unknown_and_not_zero() -> None:
    meter = metered((1, 5_000), (2, 6_000), (3, 100), (4, 900))
    assert meter.between(1 * SECOND, 2 * SECOND) == 1_000
    assert meter.between(2 * SECOND, 3 * SECOND) is None
    assert meter.between(3 * SECOND, 4 * SECOND) == 800
    splitter = Splitter(meter)
    splitter.book(booking(2, "request", SECOND, "r1"))
    list(splitter.settle(final=True))
    assert [(each.use, each.energy_uj) for each in splitter.take()] == [("unobserved", None)]


def test_an_exporter_that_collects_every_thirty_seconds_is_spread_evenly() -> None:
    meter = Meter(120 * SECOND)
    for at in range(61):
        meter.add(at * SECOND, {"0": at // 30 * 30_000})
    assert meter.between(0, 30 * SECOND) == 30_000
    assert meter.between(7 * SECOND, 8 * SECOND) == 1_000
    splitter = Splitter(meter)
    splitter.book(booking(60, "idle", SECOND))
    splitter.book(booking(61, "idle", SECOND))
    list(splitter.settle())
    assert list(splitter.take()) == []  # waits for its reading


def test_a_silent_meter_makes_the_time_unknown() -> None:
    assert metered((1, 0), (10, 9_000), gap=5).between(2 * SECOND, 3 * SECOND) is None
    assert metered().between(0, 1) is None
