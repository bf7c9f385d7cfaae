"""The scraper's beat, its light samples and its failures, on a clock that only sleeping moves."""

import asyncio

from adapters.errors import UpstreamError
from gateway.fleet.engines.reading import Reading
from gateway.fleet.engines.scraper import SECOND, Scraper, load

PAGE = b'vllm:num_requests_running{engine="0"} 1.0\nvllm:generation_tokens_total{engine="0"} 5.0\n'


class World:
    """A replica and a clock. Reading takes 10 ms; the scraper is stopped at `until`."""

    def __init__(self, until: float) -> None:
        self.now = 10 * SECOND
        self.until = self.now + int(until * SECOND)
        self.seen: list[Reading] = []
        self.fails: Exception | None = None
        self.body = PAGE

    async def page(self) -> bytes:
        self.now += SECOND // 100
        if self.fails:
            raise self.fails
        return self.body

    async def load(self) -> bytes:
        self.now += SECOND // 100
        return b'{"server_load":3}'

    async def sleep(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)
        if self.now >= self.until:
            raise asyncio.CancelledError

    async def play(self, **options) -> Scraper:
        scraper = Scraper(self.page, self.seen.append, now_ns=lambda: self.now, sleep=self.sleep, **options)
        try:
            await scraper.run()
        except asyncio.CancelledError:
            return scraper
        raise AssertionError


async def test_pages_are_read_on_the_second_and_samples_between():
    world = World(2.0)
    await world.play(fetch_load=world.load)
    whole = [reading.asked_ns / SECOND for reading in world.seen if reading.counters]
    light = [reading for reading in world.seen if not reading.counters]
    assert whole == [10.0, 11.0]
    assert len(light) == 8
    assert {reading.engines[0].running for reading in light} == {3.0}


async def test_pages_fall_on_the_edges_of_the_wall_clock():
    world = World(3.0)
    await world.play(fetch_load=world.load, phase_ns=SECOND // 4)
    whole = [reading.asked_ns / SECOND for reading in world.seen if reading.counters]
    assert whole[1:] == [10.75, 11.75, 12.75]


async def test_without_a_load_page_samples_are_whole_pages():
    world = World(1.0)
    scraper = await world.play()
    assert len(world.seen) == 5
    assert all(reading.counters for reading in world.seen)
    assert scraper.last is world.seen[-1]


async def test_samples_are_spared_while_own_requests_run():
    world = World(3.0)
    await world.play(occupied=lambda: True)
    assert [reading.asked_ns / SECOND for reading in world.seen] == [10.0, 11.0, 12.0]


async def test_a_replica_that_cannot_be_read_reports_nothing_and_says_why():
    world = World(2.0)
    world.fails = UpstreamError("connect", "refused", sent=False)
    scraper = await world.play()
    assert world.seen == []
    assert scraper.failure == "UpstreamError: refused"


async def test_a_page_of_something_else_is_a_failure():
    world = World(1.0)
    world.body = b"<html>"
    scraper = await world.play()
    assert world.seen == []
    assert scraper.failure == "this is no vLLM metrics page"


async def test_a_fetch_that_hangs_is_given_up():
    async def hangs() -> bytes:
        await asyncio.sleep(60)
        return b""

    seen: list[Reading] = []
    scraper = Scraper(hangs, seen.append, now_ns=lambda: 0, page_every_ns=SECOND // 100)
    assert await scraper.read() is None
    assert scraper.failure is not None
    assert seen == []


def test_load_answers_are_read_or_refused():
    assert load(b'{"server_load":1}') == 1
    assert load(b'{ "server_load" : 12 }\n') == 12
    assert load(b'{"detail":"Not Found"}') is None
    assert load(b'{"server_load":"x"}') is None
    assert load(b"") is None
