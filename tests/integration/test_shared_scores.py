"""Scores in a real Redis: gateways see each other's, each in proportion to its traffic."""

from collections import Counter
from collections.abc import Iterator

import pytest

from gateway.state.claims import Gone
from gateway.state.line import Line
from gateway.state.shared_scores import SharedScores
from tests.integration.redises import SERVER, RealRedis, running_redis

pytestmark = pytest.mark.skipif(SERVER is None, reason="redis-server is not installed")
MINUTE = 60_000


class Clock:
    """UTC milliseconds that a test moves."""

    now = 30_000_000 * MINUTE

    def __call__(self) -> int:
        return self.now


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRedis]:
    with running_redis(tmp_path_factory.mktemp("redis")) as running:
        yield running


async def test_one_sees_what_another_met(redis: RealRedis) -> None:
    one, two = (SharedScores(Line(redis.url), Clock(), 5) for _ in range(2))
    assert await one.exchange({"seen": ()}) == {"seen": ()}
    await one.exchange({"seen": (0.1, 0.2, 1e-12)})
    assert await two.exchange({"seen": (0.4,), "apart": ()}) == {"seen": (0.1, 0.2, 1e-12, 0.4), "apart": ()}
    assert await one.exchange({"seen": (0.5, 0.6)}) == {"seen": (0.2, 1e-12, 0.4, 0.5, 0.6)}
    await one.close()
    await two.close()


async def test_a_busy_gateway_and_a_quiet_one_are_seen_as_they_are_busy(redis: RealRedis) -> None:
    clock = Clock()
    busy, quiet = (SharedScores(Line(redis.url), clock, 1000) for _ in range(2))
    for _ in range(90):  # three minutes: 300 in a second and 100 in a second
        clock.now += 2_000
        await quiet.exchange({"busy": [0.1] * 200})
        window = (await busy.exchange({"busy": [0.9] * 600}))["busy"]
    share = Counter(window)[0.9] / len(window)
    assert len(window) == 1000
    assert 0.70 < share < 0.80
    clock.now += 10 * MINUTE  # a quiet hour has come: every score counts again
    await busy.exchange({"busy": ()})
    window = (await busy.exchange({"busy": [0.5] * 900}))["busy"]
    assert Counter(window)[0.5] == 900
    await busy.close()
    await quiet.close()


async def test_a_clock_that_is_behind_does_not_turn_the_pace_back(redis: RealRedis) -> None:
    ahead, behind = Clock(), Clock()
    behind.now -= 2 * MINUTE
    one, two = SharedScores(Line(redis.url), ahead, 10), SharedScores(Line(redis.url), behind, 10)
    await one.exchange({"clocks": [0.1] * 40})
    await two.exchange({"clocks": [0.2] * 40})
    window = (await two.exchange({"clocks": [0.3] * 40}))["clocks"]  # 80 in a minute: an eighth of 40
    assert Counter(window)[0.3] == 5
    await one.close()
    await two.close()


async def test_a_redis_that_is_away_is_gone() -> None:
    away = SharedScores(Line("redis://127.0.0.1:1/0"), Clock(), 5)
    with pytest.raises(Gone):
        await away.exchange({"a": (0.5,)})
    await away.close()


async def test_nothing_is_asked_where_no_route_has_a_share() -> None:
    away = SharedScores(Line("redis://127.0.0.1:1/0"), Clock(), 5)
    assert await away.exchange({}) == {}
    await away.close()
