"""A conversation's replica: its own while that is well and not too busy, and nobody else's affair."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.fleet.affinity import LOAD
from gateway.fleet.replicas import FAILURES_TO_EJECT, FIRST_EJECTION, Fleet, Placement, Replica

KEYS = st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=40, unique=True)
NAMES = st.lists(
    st.text("abcdefgh0123456789.:", min_size=1, max_size=12), min_size=1, max_size=8, unique=True
)


def fleet_of(urls: list[str]) -> Fleet:
    fleet = Fleet(lambda backend, url: object())  # type: ignore[arg-type,return-value]  # nobody asks it
    fleet.apply([Placement("gpu", tuple(urls), "")])
    return fleet


def own(fleet: Fleet, key: bytes, urls: list[str], now: float = 0.0, *tried: Replica) -> str:
    replica = fleet.prefer(key, "gpu", urls, now, tried)
    assert replica is not None
    return replica.url


@given(NAMES, KEYS, st.data())
def test_only_the_permits_own_replicas_are_chosen(urls: list[str], keys: list[bytes], data) -> None:
    fleet = fleet_of([*urls, "elsewhere"])
    permitted = data.draw(st.lists(st.sampled_from(urls), unique=True))
    for key in keys:
        chosen = fleet.prefer(key, "gpu", permitted, 0.0, ())
        assert (chosen.url if chosen else None) in (permitted or [None])


@given(NAMES, KEYS)
def test_a_replica_that_goes_moves_its_own_keys_alone_and_they_come_back(
    urls: list[str], keys: list[bytes]
) -> None:
    fleet = fleet_of(urls)
    before = {key: own(fleet, key, urls) for key in keys}
    left = urls[1:]
    after = {key: own(fleet, key, left) for key in keys} if left else {}
    assert all(after[key] == before[key] for key in after if before[key] != urls[0])
    assert before == {key: own(fleet, key, urls[::-1]) for key in keys}, "whatever their order"


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), KEYS)
def test_no_replica_is_given_more_than_its_share_and_a_little(busy: list[int], keys: list[bytes]) -> None:
    urls = [f"http://10.0.0.{i}:8000" for i in range(len(busy))]
    fleet = fleet_of(urls)
    for url, count in zip(urls, busy, strict=True):
        fleet.replicas()["gpu", url].outstanding = count
    for key in keys:
        mean = sum(replica.outstanding for replica in fleet.replicas().values()) / len(urls)
        chosen = fleet.replicas()["gpu", own(fleet, key, urls)]
        assert chosen.outstanding <= LOAD * mean + 1
        chosen.started()


@given(st.binary(min_size=16, max_size=16), st.integers(2, 6))
def test_one_conversation_that_asks_all_at_once_spreads(key: bytes, count: int) -> None:
    urls = [f"http://10.0.0.{i}:8000" for i in range(count)]
    fleet = fleet_of(urls)
    for _ in range(count * 20):
        fleet.replicas()["gpu", own(fleet, key, urls)].started()
    assert max(replica.outstanding for replica in fleet.replicas().values()) <= LOAD * 20 + 2
    assert fleet.placed["kept"] > 0
    assert fleet.placed["busy"] > 0
    assert fleet.placed["away"] == 0


@given(st.binary(min_size=16, max_size=16), st.integers(2, 6))
def test_an_ill_replica_is_passed_over_until_its_trial_and_a_retry_goes_elsewhere(
    key: bytes, count: int
) -> None:
    urls = [f"http://10.0.0.{i}:8000" for i in range(count)]
    fleet = fleet_of(urls)
    first = fleet.replicas()["gpu", own(fleet, key, urls)]
    second = own(fleet, key, urls, 0.0, first)
    assert second != first.url
    for _ in range(FAILURES_TO_EJECT):
        first.started()
        first.ended(0.0, healthy=False)
    assert own(fleet, key, urls) == second
    assert own(fleet, key, urls, FIRST_EJECTION) == first.url
    assert fleet.prefer(key, "gpu", urls, 0.0, list(fleet.replicas().values())) is None


def test_keys_are_spread_evenly() -> None:
    urls = [f"http://10.0.0.{i}:8000" for i in range(4)]
    fleet = fleet_of(urls)
    chosen = [own(fleet, i.to_bytes(16), urls) for i in range(4000)]
    assert all(800 < chosen.count(url) < 1200 for url in urls)
