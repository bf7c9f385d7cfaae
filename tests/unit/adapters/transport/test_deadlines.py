"""Each deadline ends a call by its own name; progress moves the deadline it should move."""

import asyncio
import socket
from dataclasses import replace

import pytest

from adapters.errors import UpstreamError
from adapters.transport import Limits, Timeouts

OK = b"HTTP/1.1 200 OK\r\n"
SOON = 0.3  # seconds: a machine that is busy is late by a tenth of it
PATIENT = Timeouts(connect=10, first_byte=10, idle=10, total=20, pool=10)


async def silent(peer):
    await peer.request()
    await peer.closed_by_client()


async def interim_only(peer):
    await peer.request()
    for _ in range(100):
        await peer.sent_apart(b"HTTP/1.1 103 Early Hints\r\n\r\n")


async def half_a_head(peer):
    await peer.request()
    await peer.send(OK + b"x-id:")
    await peer.closed_by_client()


async def head_only(peer):
    await peer.request()
    await peer.send(OK + b"content-length: 5\r\n\r\n")
    await peer.closed_by_client()


async def half_a_body(peer):
    await peer.request()
    await peer.send(OK + b"content-length: 5\r\n\r\nhi")
    await peer.closed_by_client()


async def dripping(peer):
    await peer.request()
    await peer.send(OK + b"transfer-encoding: chunked\r\n\r\n")
    for _ in range(1000):
        await peer.sent_apart(b"1\r\nx\r\n")


@pytest.mark.parametrize(
    ("script", "timeouts", "failure"),
    [
        (silent, replace(PATIENT, first_byte=SOON), "first_byte_timeout"),
        (interim_only, replace(PATIENT, first_byte=SOON), "first_byte_timeout"),
        (half_a_head, replace(PATIENT, first_byte=SOON, idle=0.001), "first_byte_timeout"),
        (silent, replace(PATIENT, total=SOON), "total_timeout"),
        (head_only, replace(PATIENT, idle=SOON), "idle_timeout"),
        (half_a_body, replace(PATIENT, idle=SOON), "idle_timeout"),
        (half_a_body, replace(PATIENT, total=SOON), "total_timeout"),
        (dripping, replace(PATIENT, total=3 * SOON, idle=2 * SOON), "total_timeout"),
    ],
)
async def test_a_deadline_has_its_own_name_and_frees_the_place(serve, script, timeouts, failure):
    replica = await serve(script)
    async with replica.pool() as pool:
        with pytest.raises(UpstreamError) as caught:
            await replica.fetch(pool, timeouts=timeouts)
        assert (caught.value.failure, caught.value.sent) == (failure, True)
        assert pool.open == 0


async def test_arrivals_move_the_idle_deadline(serve):
    async def script(peer):
        await peer.request()
        await peer.send(OK + b"content-length: 20\r\n\r\n")
        for _ in range(20):  # together far longer than the idle deadline
            await peer.send(b"x")
            await asyncio.sleep(SOON / 5)

    replica = await serve(script)
    async with replica.pool(timeouts=replace(PATIENT, idle=SOON * 3)) as pool:
        assert await replica.fetch(pool) == (200, b"x" * 20)


async def test_a_short_deadline_after_a_long_one_still_holds(serve):
    """The timer was set for the long one; the next exchange must move it forward."""

    async def script(peer):
        await peer.request()
        await peer.send(OK + b"content-length: 0\r\n\r\n")
        await peer.request()
        await peer.closed_by_client()

    replica = await serve(script)
    async with replica.pool() as pool:
        assert await replica.fetch(pool) == (200, b"")
        with pytest.raises(UpstreamError) as caught:
            await pool.exchange(replica.post(), timeouts=replace(PATIENT, first_byte=SOON))
        assert caught.value.failure == "first_byte_timeout"
    assert replica.connections == 1


async def test_a_slow_reader_does_not_count_as_an_idle_replica(serve):
    body = b"x" * 200_000

    async def script(peer):
        await peer.request()
        await peer.sent_apart(OK + b"content-length: %d\r\n\r\n" % len(body), body[:1])
        await peer.send(body[1:])
        await peer.closed_by_client()

    replica = await serve(script)
    slow = replace(PATIENT, idle=SOON)
    limits = Limits(unread_bytes=1000)
    async with (
        replica.pool(timeouts=slow, limits=limits) as pool,
        await pool.exchange(replica.post()) as answer,
    ):
        await replica.until(lambda: answer.unread > 1000)
        await asyncio.sleep(SOON * 3)
        received = 0
        while data := await answer.read():
            received += len(data)
        assert received == len(body)


async def test_no_connection_in_time(serve):
    """A listener whose queue is full answers nobody: the handshake hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        replica = await serve(silent)
        replica.port = listener.getsockname()[1]
        async with replica.pool() as pool:
            for timeouts, failure in (
                (replace(PATIENT, connect=SOON), "connect_timeout"),
                (replace(PATIENT, total=SOON), "total_timeout"),
            ):
                with pytest.raises(UpstreamError) as caught:
                    await pool.exchange(replica.post(), timeouts=timeouts)
                assert (caught.value.failure, caught.value.sent) == (failure, False)
                assert pool.open == 0
        for filler in fillers:
            filler.close()


async def test_waiting_for_a_place_counts_towards_the_total(serve):
    replica = await serve(silent)
    async with replica.pool(limits=Limits(connections=1)) as pool, asyncio.TaskGroup() as group:
        busy = group.create_task(pool.exchange(replica.post()))
        await replica.until(lambda: replica.requests)
        with pytest.raises(UpstreamError) as caught:
            await pool.exchange(replica.post(), timeouts=replace(PATIENT, total=SOON))
        assert (caught.value.failure, caught.value.sent) == ("total_timeout", False)
        busy.cancel()


async def test_a_replica_that_takes_no_bytes_runs_into_the_first_byte_deadline(serve):
    async def script(peer):
        peer.writer.transport.pause_reading()
        await asyncio.sleep(60)

    replica = await serve(script)
    async with replica.pool(timeouts=replace(PATIENT, first_byte=SOON)) as pool:
        with pytest.raises(UpstreamError) as caught:
            await pool.exchange(replica.post(bytes(32 * 1024 * 1024)))
        assert (caught.value.failure, caught.value.sent) == ("first_byte_timeout", True)
        assert pool.open == 0
