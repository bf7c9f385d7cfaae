"""Back-pressure both ways: neither a slow reader nor a slow replica makes Weir hold a whole body twice."""

import asyncio

import pytest

from adapters.document import Pieces
from adapters.errors import UpstreamError
from adapters.transport import Limits
from adapters.transport.connection import SLICE

OK = b"HTTP/1.1 200 OK\r\n"
LARGE = bytes(range(256)) * (8 * 1024 * 4)  # 8 MiB


async def test_the_socket_is_left_alone_while_the_reader_is_behind(serve):
    written = 0

    async def script(peer):
        nonlocal written
        await peer.request()
        await peer.send(OK + b"content-length: %d\r\n\r\n" % len(LARGE))
        for start in range(0, len(LARGE), 65536):
            await peer.send(LARGE[start : start + 65536])
            written = start + 65536
        await peer.request()

    replica = await serve(script)
    async with replica.pool(limits=Limits(unread_bytes=100_000)) as pool:
        async with await pool.exchange(replica.post()) as answer:
            await replica.until(lambda: answer.unread > 100_000)
            for _ in range(20):  # the kernel's buffers fill; then nothing moves
                await asyncio.sleep(0.005)
            assert answer.unread < 1_000_000
            assert written < len(LARGE)
            parts = []
            while data := await answer.read():
                parts.append(data)
        assert b"".join(parts) == LARGE
        assert pool.idle == 1


async def test_of_much_that_came_a_part_is_read_and_others_have_their_turn_before_it(serve):
    whole, beats = LARGE[:1_000_000], 0

    async def script(peer):
        await peer.request()
        await peer.send(OK + b"content-length: %d\r\n\r\n" % len(whole) + whole)
        await peer.request()

    async def heart():
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    replica = await serve(script)
    async with replica.pool() as pool:
        async with await pool.exchange(replica.post()) as answer:
            await replica.until(lambda: answer.unread > 100_000)
            beating = asyncio.ensure_future(heart())
            parts = []
            while data := await answer.read(10_000):
                parts.append(data)
            beating.cancel()
        assert b"".join(parts) == whole
        assert max(map(len, parts)) == 10_000
        assert beats >= len(parts) - 20, "what came little by little needs no turn of its own"
        assert answer.unread == 0
        assert pool.idle == 1


async def test_a_connection_whose_last_answer_was_read_late_still_works(serve):
    async def script(peer):
        while True:
            await peer.request()
            await peer.send(OK + b"content-length: %d\r\n\r\n" % 300_000 + LARGE[:300_000])

    replica = await serve(script)
    async with replica.pool(limits=Limits(unread_bytes=1)) as pool:
        for _ in range(3):
            assert await replica.fetch(pool) == (200, LARGE[:300_000])
    assert replica.connections == 1


async def test_a_large_request_is_sent_no_faster_than_it_leaves(serve):
    go = asyncio.Event()

    async def script(peer):
        peer.writer.transport.pause_reading()
        await go.wait()
        peer.writer.transport.resume_reading()
        await peer.request()
        await peer.send(OK + b"content-length: 0\r\n\r\n")
        await peer.request()

    replica = await serve(script)
    async with replica.pool() as pool:
        made, connect = [], pool._connect

        async def recorded(*arguments):
            made.append(await connect(*arguments))
            return made[-1]

        pool._connect = recorded
        call = asyncio.ensure_future(replica.fetch(pool, replica.post(LARGE * 4)))
        await replica.until(lambda: made)
        for _ in range(20):
            await asyncio.sleep(0.002)
        assert 0 < made[0]._transport.get_write_buffer_size() <= 4 * SLICE
        go.set()
        assert await call == (200, b"")
        assert pool.idle == 1
    assert replica.requests[0][1] == LARGE * 4


async def test_a_refusal_before_the_body_is_sent_is_read_and_ends_the_sending(serve):
    async def script(peer):
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        peer.writer.transport.pause_reading()
        await asyncio.sleep(60)

    replica = await serve(script)
    async with replica.pool() as pool:
        assert await replica.fetch(pool, replica.post(LARGE * 4)) == (413, b"no")
        assert pool.open == 0  # the request is not whole: nothing else may follow it


async def test_a_connection_that_breaks_while_a_body_is_sent(serve):
    async def script(peer):
        await peer.reader.readuntil(b"\r\n\r\n")

    replica = await serve(script)
    async with replica.pool() as pool:
        with pytest.raises(UpstreamError) as caught:
            await replica.fetch(pool, replica.post(LARGE * 4))
        assert (caught.value.failure, caught.value.sent) == ("broken", True)
        assert pool.open == 0


async def test_a_call_cancelled_while_it_sends_closes_its_connection(serve):
    async def script(peer):
        peer.writer.transport.pause_reading()
        await asyncio.sleep(60)

    replica = await serve(script)
    async with replica.pool() as pool:
        call = asyncio.ensure_future(replica.fetch(pool, replica.post(LARGE * 4)))
        await replica.until(lambda: replica.connections)
        await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled()
        assert pool.open == 0


async def test_a_body_in_pieces_arrives_as_one(serve):
    replica = await serve(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
    large = bytes(range(256)) * 4_096
    for parts in ((large, b'"m"', memoryview(large)[7:]), (b"", b"{}"), ()):
        async with replica.pool() as pool:
            assert await replica.fetch(pool, replica.post(Pieces(parts))) == (200, b"hi")
        head, body = replica.requests[-1]
        assert body == b"".join(parts)
        assert b"content-length: %d\r\n" % len(body) in head
