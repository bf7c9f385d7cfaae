"""Replicas: the least busy is chosen, an ill one ejected, tried again, and brought back."""

import asyncio
from typing import Any

from gateway.fleet.replicas import FAILURES_TO_EJECT, FIRST_EJECTION, Fleet, Placement, Replica


class FakePool:
    def __init__(self) -> None:
        self.closed = False

    async def aclose(self) -> None:
        self.closed = True


def fleet_of(*urls: str, fingerprint: str = "a") -> Fleet:
    fleet = Fleet(lambda backend, url: FakePool())  # type: ignore[arg-type,return-value]  # it plays a pool
    fleet.apply([Placement("gpu", urls, fingerprint)])
    return fleet


def fail(replica: Replica, now: float, times: int = 1) -> None:
    for _ in range(times):
        replica.started()
        replica.ended(now, healthy=False)


def test_the_least_busy_replica_is_chosen() -> None:
    fleet = fleet_of("a", "b")
    first = fleet.choose("gpu", ("a", "b"), 0.0, ())
    assert first is not None
    first.started()
    second = fleet.choose("gpu", ("a", "b"), 0.0, ())
    assert second is not None
    assert second is not first
    assert fleet.choose("gpu", ("a", "b"), 0.0, (first, second)) is None
    assert fleet.choose("gpu", ("c",), 0.0, ()) is None


def test_failures_in_a_row_eject_and_one_success_between_them_does_not() -> None:
    replica = fleet_of("a").replicas()["gpu", "a"]
    fail(replica, 0.0, FAILURES_TO_EJECT - 1)
    replica.started()
    replica.ended(0.0, healthy=True)
    fail(replica, 0.0, FAILURES_TO_EJECT - 1)
    assert replica.available(0.0)
    fail(replica, 0.0)
    assert not replica.available(0.0)
    assert not replica.up


def test_a_client_that_leaves_says_nothing_of_the_replica() -> None:
    replica = fleet_of("a").replicas()["gpu", "a"]
    for _ in range(10):
        replica.started()
        replica.ended(0.0, healthy=None)
    assert replica.up
    assert replica.outstanding == 0


def test_one_trial_at_a_time_brings_it_back_or_ejects_it_for_longer() -> None:
    replica = fleet_of("a").replicas()["gpu", "a"]
    fail(replica, 0.0, FAILURES_TO_EJECT)
    assert replica.available(FIRST_EJECTION)
    replica.started()
    assert not replica.available(FIRST_EJECTION), "a second trial while the first runs"
    replica.ended(FIRST_EJECTION, healthy=False)
    assert not replica.available(FIRST_EJECTION * 2.9)
    assert replica.available(FIRST_EJECTION * 3)
    replica.started()
    replica.ended(FIRST_EJECTION * 3, healthy=True)
    assert replica.up


async def test_a_reload_keeps_what_did_not_change_and_drains_what_went() -> None:
    fleet = fleet_of("a", "b")
    a, b = fleet.replicas()["gpu", "a"], fleet.replicas()["gpu", "b"]
    b.started()
    fleet.apply([Placement("gpu", ("a", "c"), "a")])
    assert fleet.replicas()["gpu", "a"] is a
    assert set(fleet.replicas()) == {("gpu", "a"), ("gpu", "c")}
    pool: Any = b.pool
    await asyncio.sleep(0.01)
    assert not pool.closed, "a request is still under way there"
    b.ended(0.0, healthy=True)
    async with asyncio.timeout(60):
        while not pool.closed:  # noqa: ASYNC110  # a real pool tells nobody either
            await asyncio.sleep(0.02)
    fleet.apply([Placement("gpu", ("a", "c"), "other timeouts")])
    assert fleet.replicas()["gpu", "a"] is not a
    await fleet.aclose()
