"""What a replica may answer, and what comes of it: bodies, framing, faults, early ends."""

import asyncio
import socket
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.call import Outgoing
from adapters.errors import UpstreamError
from adapters.transport import Limits, Timeouts
from adapters.transport.connection import Connection

OK = b"HTTP/1.1 200 OK\r\n"
HI = OK + b"content-length: 2\r\n\r\nhi"

WHOLE = [
    pytest.param(HI, (200, b"hi"), True, id="content-length"),
    pytest.param(OK + b"content-length: 0\r\n\r\n", (200, b""), True, id="empty"),
    pytest.param(
        OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=y\r\n ho\r\n0\r\n\r\n",
        (200, b"hi ho"),
        True,
        id="chunked",
    ),
    pytest.param(
        OK + b"Transfer-Encoding: Chunked\r\ntrailer: x\r\n\r\n2\r\nhi\r\n0\r\nx: y\r\n\r\n",
        (200, b"hi"),
        True,
        id="trailers",
    ),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + HI, (200, b"hi"), True, id="100"),
    pytest.param(
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + HI,
        (200, b"hi"),
        True,
        id="103-100",
    ),
    pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", (204, b""), True, id="204"),
    pytest.param(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", (304, b""), True, id="304"),
    pytest.param(
        b"HTTP/1.1 503 No\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno",
        (503, b"no"),
        False,
        id="connection-close",
    ),
    pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi", (200, b"hi"), False, id="http-1.0"),
    pytest.param(HI + b"junk", (200, b"hi"), False, id="junk-behind"),
    pytest.param(HI + HI, (200, b"hi"), False, id="answer-behind"),
]


@pytest.mark.parametrize(("reply", "expected", "kept"), WHOLE)
async def test_whole_answers_are_read_and_their_connection_kept_or_not(serve, reply, expected, kept):
    replica = await serve(reply)
    async with replica.pool() as pool:
        assert await replica.fetch(pool) == expected
        assert pool.idle == (1 if kept else 0)
        assert await replica.fetch(pool) == expected
    assert replica.connections == (1 if kept else 2)


async def test_header_names_are_lower_case_and_interim_ones_are_dropped(serve):
    replica = await serve(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK + b"X-Id: A\r\nContent-Length: 0\r\n\r\n"
    )
    async with replica.pool() as pool, await pool.exchange(replica.post()) as answer:
        assert answer.headers == ((b"x-id", b"A"), (b"content-length", b"0"))


async def test_head_has_no_body_whatever_the_headers_say(serve):
    replica = await serve(OK + b"content-length: 500\r\n\r\n", HI)
    async with replica.pool() as pool:
        assert await replica.fetch(pool, Outgoing(b"HEAD", b"/", (), b"")) == (200, b"")
        assert await replica.fetch(pool) == (200, b"hi")
    assert replica.connections == 1
    assert b"content-length" not in replica.requests[0][0]


async def test_a_body_without_length_ends_with_the_connection(serve):
    async def script(peer):
        await peer.request()
        await peer.sent_apart(OK + b"\r\nab", b"cd")

    replica = await serve(script)
    async with replica.pool() as pool:
        assert await replica.fetch(pool) == (200, b"abcd")
        assert pool.open == 0


FAULTS = [
    pytest.param(b"garbage\r\n\r\n", "protocol", id="garbage"),
    pytest.param(OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n", "protocol", id="cl-te"),
    pytest.param(OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nhi", "protocol", id="two-lengths"),
    pytest.param(OK + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "protocol", id="coding"),
    pytest.param(OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n", "protocol", id="chunk-size"),
    pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", "protocol", id="101"),
    pytest.param(OK + b"x: " + b"a" * 5000 + b"\r\n\r\n", "protocol", id="header-too-long"),
    pytest.param(OK + b"x: y\r\n" * 1000, "protocol", id="headers-without-end"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 300, "protocol", id="interim-without-end"),
    pytest.param(OK + b"content-length: 5\r\n\r\nhi", "broken", id="short-body"),
    pytest.param(OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n", "broken", id="no-last-chunk"),
    pytest.param(OK + b"content-le", "broken", id="short-head"),
    pytest.param(b"", "broken", id="nothing"),
]


@pytest.mark.parametrize(("reply", "failure"), FAULTS)
async def test_faulty_answers_fail_by_kind_and_cost_their_connection(serve, reply, failure):
    async def script(peer):
        await peer.request()
        await peer.send(reply)

    replica = await serve(script)
    async with replica.pool(limits=Limits(header_bytes=4096)) as pool:
        with pytest.raises(UpstreamError) as caught:
            await replica.fetch(pool)
        assert (caught.value.failure, caught.value.sent) == (failure, True)
        assert (pool.open, pool.idle) == (0, 0)


async def test_endless_trailers_are_cut(serve):
    async def script(peer):
        await peer.request()
        await peer.send(OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n")
        for _ in range(100):
            await peer.sent_apart(b"x" * 1000)

    replica = await serve(script)
    async with replica.pool(limits=Limits(header_bytes=4096)) as pool:
        with pytest.raises(UpstreamError, match="too many bytes"):
            await replica.fetch(pool)


async def test_what_came_before_a_break_is_read_first(serve):
    async def script(peer):
        await peer.request()
        await peer.send(OK + b"content-length: 9\r\n\r\nhi")

    replica = await serve(script)
    async with replica.pool() as pool, await pool.exchange(replica.post()) as answer:
        await replica.until(lambda: pool.open == 0)
        assert await answer.read() == b"hi"
        for _ in range(2):
            with pytest.raises(UpstreamError, match="before its answer was complete"):
                await answer.read()


async def test_a_read_returns_all_that_arrived_as_one_object(serve):
    async def script(peer):
        await peer.request()
        await peer.send(OK + b"transfer-encoding: chunked\r\n\r\n" + b"2\r\nhi\r\n" * 50 + b"0\r\n\r\n")

    replica = await serve(script)
    async with replica.pool() as pool, await pool.exchange(replica.post()) as answer:
        await replica.until(lambda: pool.idle)  # complete: its connection is free though nothing was read
        assert await answer.read() == b"hi" * 50
        assert await answer.read() == b""


async def test_an_early_close_aborts_at_once_and_twice_is_once(serve):
    async def script(peer):
        await peer.request()
        await peer.send(OK + b"transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n")
        await peer.closed_by_client()

    replica = await serve(script)
    async with replica.pool() as pool:
        answer = await pool.exchange(replica.post())
        assert await answer.read() == b"hi"
        await answer.aclose()
        await answer.aclose()
        assert pool.open == 0
        await asyncio.wait_for(replica.closings.wait(), 60)
        with pytest.raises(UpstreamError):
            await answer.read()


async def test_closing_a_complete_answer_keeps_its_connection(serve):
    replica = await serve(HI)
    async with replica.pool() as pool:
        async with await pool.exchange(replica.post()) as answer:
            pass
        await answer.aclose()
        assert (pool.open, pool.idle) == (1, 1)


async def test_an_answer_nobody_asked_for_closes_an_idle_connection(serve):
    async def script(peer):
        await peer.request()
        await peer.sent_apart(HI, HI)
        await peer.closed_by_client()

    replica = await serve(script)
    async with replica.pool() as pool:
        assert await replica.fetch(pool) == (200, b"hi")
        await asyncio.wait_for(replica.closings.wait(), 60)
        assert pool.open == 0


REPLIES = {
    b"hello, world": OK + b"x-id: 7\r\ncontent-length: 12\r\n\r\nhello, world",
    b"hello" * 3: OK
    + b"x-id: 7\r\ntransfer-encoding: chunked\r\n\r\n"
    + b"5\r\nhello\r\n" * 3
    + b"0\r\na: b\r\n\r\n",
    b"hi": b"HTTP/1.1 103 Hints\r\nlink: a\r\n\r\n" + OK + b"x-id: 7\r\ncontent-length: 2\r\n\r\nhi",
}


@settings(max_examples=60, deadline=None)
@given(body=st.sampled_from(sorted(REPLIES)), cuts=st.sets(st.integers(1, 80), max_size=12))
def test_any_chunking_of_an_answer_reads_the_same(body, cuts):
    asyncio.run(_arrives_in_pieces(REPLIES[body], sorted(cuts), body))


class LastFreed:
    def __init__(self):
        self.connection = None

    def freed(self, connection):
        self.connection = connection

    def gone(self, connection):
        pass


async def _arrives_in_pieces(reply, cuts, body):
    """One exchange over a connection that is handed its bytes directly, so that they arrive as cut."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    owner = LastFreed()
    _, connection = await loop.create_connection(lambda: Connection(loop, "peer", Limits()), sock=ours)
    assert connection.adopt(owner)
    exchange = asyncio.ensure_future(
        connection.exchange(b"GET", b"", head_only=False, timeouts=Timeouts(), end=loop.time() + 60)
    )
    await asyncio.sleep(0)
    edges = [0, *(cut for cut in cuts if cut < len(reply)), len(reply)]
    for start, stop in pairwise(edges):
        connection.data_received(reply[start:stop])
    answer = await exchange
    assert answer.status == 200
    assert answer.headers[:1] == ((b"x-id", b"7"),)
    parts = []
    while data := await answer.read():
        parts.append(data)
    assert b"".join(parts) == body
    assert owner.connection is connection
    connection.close()
    theirs.close()
    await asyncio.sleep(0)
