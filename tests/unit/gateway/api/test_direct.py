"""The direct exchange over a transport that only remembers: framing, bodies, and a client that goes."""

import asyncio
from collections.abc import Callable

import pytest
from uvicorn.protocols.http.flow_control import FlowControl

from gateway.api import direct
from gateway.api.bodies import SLICE
from gateway.api.direct import DirectExchange
from gateway.api.errors import openai_error
from gateway.pipeline.faults import BodyTooLarge, BodyTooSlow, ClientGone

CHAT = "/v1/chat/completions"


class Wire:
    """A connection whose transport keeps what is written, write by write."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.over: list[DirectExchange] = []
        self.closed = self.paused = False
        self.answers = 0
        self.transport = self  # type: ignore[assignment]  # it plays both parts
        self.flow = FlowControl(self)  # type: ignore[arg-type]  # as above

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def answered(self) -> None:
        self.answers += 1

    def left(self, exchange: DirectExchange) -> None:
        self.over.append(exchange)

    @property
    def said(self) -> bytes:
        return b"".join(self.writes)


Opening = Callable[..., DirectExchange]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def opened(wire: Wire) -> Opening:
    def open_exchange(*headers: tuple[bytes, bytes], path: str = CHAT, **more: bool) -> DirectExchange:
        more.setdefault("keep_alive", True)
        return DirectExchange("req-1", path, list(headers), dict(reversed(headers)), wire, **more)  # type: ignore[arg-type]  # a wire of the test's

    return open_exchange


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_of_two_headers_the_first_counts(opened: Opening) -> None:
    exchange = opened((b"a", b"1"), (b"a", b"2"), (b"traceparent", b"t"))
    assert (exchange.header(b"a"), exchange.header(b"b")) == (b"1", None)
    assert exchange.allowed_headers() == ((b"traceparent", b"t"),)


# ── the answer's way out ─────────────────────────────────────────────────────────────────────────────────


async def test_a_whole_answer_is_one_write(wire: Wire, opened: Opening) -> None:
    exchange = opened()
    await exchange.start(200, ((b"content-length", b"2"), (b"x", b"y")))
    assert wire.writes == []
    await exchange.end(b"hi")
    assert wire.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx: y\r\n\r\nhi"]
    assert (wire.answers, wire.closed, exchange.response_complete) == (1, False, True)


async def test_a_stream_is_one_write_for_each_send_and_its_head_goes_with_the_first(
    wire: Wire, opened: Opening
) -> None:
    exchange = opened()
    await exchange.start(200, ((b"x", b"y"),))
    for data in (b"one", b"", b"0123456789abcdef"):
        await exchange.send(data)
    assert not exchange.response_complete
    await exchange.end()
    assert wire.writes == [
        b"HTTP/1.1 200 OK\r\nx: y\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n",
        b"10\r\n0123456789abcdef\r\n",
        b"0\r\n\r\n",
    ]
    assert wire.answers == 1


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_long_answer_leaves_in_slices_and_others_have_their_turn_between_them(
    wire: Wire, opened: Opening, *, announced: bool, at_once: bool
) -> None:
    data, beats = bytes(range(256)) * 4_000, [0]

    async def heart() -> None:
        while True:
            beats.append(len(wire.writes))
            await asyncio.sleep(0)

    beating = asyncio.ensure_future(heart())
    exchange = opened()
    await exchange.start(200, ((b"content-length", b"%d" % len(data)),) if announced else ())
    if not at_once:
        await exchange.send(data)
    await exchange.end(data if at_once else b"")
    beating.cancel()
    assert max(map(len, wire.writes)) < SLICE + 200
    assert sorted(set(beats)) == list(range(max(beats) + 1)), "somebody had a turn behind each write"
    assert max(beats) >= len(data) // SLICE
    head, _, body = wire.said.partition(b"\r\n\r\n")
    if not announced:
        assert body.endswith(b"\r\n0\r\n\r\n")
        body = b"".join(body[at : at + size] for at, size in _chunks(body))
    assert body == data
    assert head.startswith(b"HTTP/1.1 200")
    assert (wire.answers, exchange.response_complete) == (1, True)


def _chunks(body: bytes) -> list[tuple[int, int]]:
    """Where the pieces of a chunked body stand, and how long they are."""
    found, at = [], 0
    while (end := body.index(b"\r\n", at)) and (size := int(body[at:end], 16)):
        found.append((end + 2, size))
        at = end + 2 + size + 2
    return found


async def test_who_leaves_amid_a_long_answer_is_sent_no_more(wire: Wire, opened: Opening) -> None:
    exchange = opened()
    await exchange.start(200, ())
    sending = asyncio.ensure_future(exchange.end(bytes(20 * SLICE)))
    await settle()
    exchange.lost()
    before = len(wire.writes)
    await sending
    assert 0 < len(wire.writes) == before
    assert not exchange.response_complete


async def test_an_empty_stream_and_one_with_last_bytes(wire: Wire, opened: Opening) -> None:
    for data, end in ((b"", b"0\r\n\r\n"), (b"x", b"1\r\nx\r\n0\r\n\r\n")):
        wire.writes.clear()
        exchange = opened()
        await exchange.start(200, ())
        await exchange.end(data)
        assert wire.writes == [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + end]


async def test_to_http_1_0_a_stream_ends_with_its_connection(wire: Wire, opened: Opening) -> None:
    exchange = opened(keep_alive=False, http10=True)
    await exchange.start(200, ())
    await exchange.send(b"a")
    await exchange.end(b"b")
    assert wire.said == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nab"
    assert wire.closed


async def test_a_connection_that_ends_says_so_once(wire: Wire, opened: Opening) -> None:
    for keep_alive, headers in ((False, ()), (True, ((b"connection", b"close"),))):
        wire.writes.clear()
        wire.closed = False
        exchange = opened(keep_alive=keep_alive)
        await exchange.start(200, (*headers, (b"content-length", b"0")))
        await exchange.end()
        assert wire.said.count(b"connection: close") == 1
        assert wire.closed


@pytest.mark.parametrize(
    "header", [(b"x", b"a\r\ny: b"), (b"x", b"a\nb"), (b"x", b"\0"), (b"x: y", b"z"), (b"", b"z")]
)
async def test_no_header_breaks_out_of_its_place(
    wire: Wire, opened: Opening, header: tuple[bytes, bytes]
) -> None:
    exchange = opened()
    with pytest.raises(RuntimeError):
        await exchange.start(200, (header,))
    assert not exchange.started
    assert wire.writes == []


async def test_an_answer_is_as_long_as_it_says(wire: Wire, opened: Opening) -> None:
    for data in (b"abc", b"a"):
        exchange = opened()
        await exchange.start(200, ((b"content-length", b"2"),))
        with pytest.raises(RuntimeError):
            await exchange.end(data)
        assert not exchange.response_complete


async def test_who_sends_waits_for_a_full_connection(wire: Wire, opened: Opening) -> None:
    exchange = opened()
    await exchange.start(200, ())
    wire.flow.pause_writing()
    sending = asyncio.create_task(exchange.send(b"x"))
    await settle()
    assert not sending.done()
    wire.flow.resume_writing()
    await sending
    assert wire.said.endswith(b"1\r\nx\r\n")


async def test_an_error_answer_has_its_ids_and_what_is_known(wire: Wire, opened: Opening) -> None:
    exchange = opened()
    exchange.note(((b"x-weir-route", b"r"),))
    await exchange.answer(openai_error(400, "No.", "invalid_request_error"))
    head, _, body = wire.said.partition(b"\r\n\r\n")
    for line in (b"x-weir-route: r", b"x-weir-request-id: req-1", b"x-request-id: req-1"):
        assert line in head.split(b"\r\n")
    assert b'"No."' in body
    assert not wire.closed


async def test_anthropics_clients_find_the_id_where_they_look(wire: Wire, opened: Opening) -> None:
    exchange = opened(path="/v1/messages")
    await exchange.start(200, ((b"x-request-id", b"u-1"), (b"content-length", b"0")))
    await exchange.end()
    assert b"\r\nrequest-id: u-1\r\n" in wire.said


# ── the body's way in ────────────────────────────────────────────────────────────────────────────────────


async def test_a_body_that_is_here_and_one_that_comes_in_pieces(opened: Opening) -> None:
    here = opened()
    here.arrived(b"all")
    here.whole()
    assert await here.body(3, 10) == b"all"
    pieces = opened()
    reading = asyncio.create_task(pieces.body(4, 10))
    for piece in (b"ab", b"cd"):
        await settle()
        pieces.arrived(piece)
    await settle()
    assert not reading.done()
    pieces.whole()
    assert await reading == b"abcd"


async def test_a_body_over_the_limit_is_refused_as_soon_as_that_is_known(opened: Opening) -> None:
    announced = opened((b"content-length", b"5"))
    with pytest.raises(BodyTooLarge):
        await announced.body(4, 10)
    here = opened()
    here.arrived(b"12345")
    here.whole()
    with pytest.raises(BodyTooLarge):
        await here.body(4, 10)
    coming = opened()
    reading = asyncio.create_task(coming.body(4, 10))
    await settle()
    coming.arrived(b"12345")
    with pytest.raises(BodyTooLarge):
        await reading


async def test_a_body_that_does_not_come_is_too_slow(opened: Opening) -> None:
    with pytest.raises(BodyTooSlow):
        await opened().body(4, 0.001)


async def test_a_client_that_goes_before_its_body_is_whole_is_gone(opened: Opening) -> None:
    exchange = opened()
    reading = asyncio.create_task(exchange.body(4, 10))
    await settle()
    exchange.lost()
    with pytest.raises(ClientGone):
        await reading


async def test_a_body_nobody_asked_for_yet_waits_outside(wire: Wire, opened: Opening) -> None:
    exchange = opened()
    exchange.arrived(bytes(70_000))
    assert wire.paused
    reading = asyncio.create_task(exchange.body(100_000, 10))
    await settle()
    assert not wire.paused
    exchange.whole()
    assert len(await reading) == 70_000


async def test_a_body_held_back_is_asked_for_once(wire: Wire, opened: Opening) -> None:
    exchange = opened(unasked=True)
    reading = asyncio.create_task(exchange.body(4, 10))
    await settle()
    assert wire.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    exchange.arrived(b"hi")
    exchange.whole()
    assert await reading == b"hi"
    await exchange.start(200, ((b"content-length", b"0"),))
    await exchange.end()
    assert not wire.closed


async def test_a_body_held_back_and_never_asked_for_ends_the_connection(wire: Wire, opened: Opening) -> None:
    await opened(unasked=True).answer(openai_error(401, "No.", "invalid_request_error"))
    assert b"connection: close" in wire.said
    assert wire.closed


async def test_a_body_that_is_too_large_is_read_on_after_the_answer(wire: Wire, opened: Opening) -> None:
    exchange = opened()
    exchange.arrived(bytes(70_000))
    answering = asyncio.create_task(
        exchange.answer(openai_error(413, "No.", "x", headers=((b"connection", b"close"),)))
    )
    await settle()
    assert b"HTTP/1.1 413" in wire.said
    assert (wire.paused, wire.closed, answering.done()) == (False, False, False)
    exchange.arrived(bytes(70_000))
    assert not wire.paused
    exchange.whole()
    await answering
    assert wire.closed


async def test_but_not_for_ever(wire: Wire, opened: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "DISCARD_SECONDS", 0.001)
    await opened().answer(openai_error(413, "No.", "x", headers=((b"connection", b"close"),)))
    assert wire.closed


# ── a client that goes ───────────────────────────────────────────────────────────────────────────────────


async def test_the_pipeline_hears_once_that_the_client_left(wire: Wire, opened: Opening) -> None:
    told: list[int] = []
    exchange = opened()
    exchange.when_client_leaves(lambda: told.append(1))
    exchange.lost()
    exchange.lost()
    assert told == [1]
    await exchange.start(200, ())
    await exchange.end(b"x")
    assert wire.writes == []
    assert wire.answers == 0


async def test_or_at_once_if_it_had_gone_already(wire: Wire, opened: Opening) -> None:
    told: list[int] = []
    wire.closed = True
    opened().when_client_leaves(lambda: told.append(1))
    assert told == [1]


async def test_and_not_at_all_when_the_answer_is_out(opened: Opening) -> None:
    told: list[int] = []
    exchange = opened()
    exchange.when_client_leaves(lambda: told.append(1))
    await exchange.start(200, ())
    await exchange.end()
    exchange.lost()
    assert told == []


async def test_lines_that_are_remembered_are_those_that_were_meant(opened: Opening, wire: Wire) -> None:
    for model in (*range(1100), 0, 1):  # more than are remembered
        value = b"m%d" % model
        exchange = opened()
        await exchange.start(200, ((b"x-weir-model", value), (b"content-length", b"2")))
        await exchange.end(b"ok")
        head = b"HTTP/1.1 200 OK\r\nx-weir-model: %b\r\ncontent-length: 2\r\n\r\n" % value
        assert wire.writes.pop() == head + b"ok"
