"""The server's edge under raw sockets: what is malformed is refused in JSON, and nothing smuggled is executed."""

import asyncio
import contextlib
import json
from dataclasses import replace

import pytest

from tests.integration.edges import (
    EARLY,
    EVIL,
    FACES,
    GOOD,
    HASTY,
    LIMITS,
    PATIENCE,
    POST,
    Edge,
    port_of,
    server_of,
    serving,
)


@pytest.fixture(scope="module", params=FACES)
def patient_server(request):
    with serving(request.param, LIMITS) as edge:
        yield edge


@pytest.fixture(scope="module", params=FACES)
def hasty_server(request):
    with serving(request.param, HASTY, keep_alive=PATIENCE) as edge:
        yield edge


def made_new(edge):
    edge.asked.clear()
    edge.headers.clear()
    edge.disconnects = edge.taken = 0
    edge.go = False
    return edge


@pytest.fixture
def edge(patient_server):
    """One that waits for a head longer than any test takes."""
    return made_new(patient_server)


@pytest.fixture
def hasty(hasty_server):
    """One that soon cuts a head which does not end."""
    return made_new(hasty_server)


def refusal_in(answer):
    """The status and OpenAI-shaped error of a single answer that closes its connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in head
    error = json.loads(body)["error"]
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", None, "bad_http")
    assert error["message"]
    return int(head.split(b" ")[1])


CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
MALFORMED = {
    "cl-te": POST + b"content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "te-cl": POST + b"transfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"content-length: 0\r\ncontent-length: 33\r\n\r\n",
    "the same length twice": POST + b"content-length: 0\r\ncontent-length: 0\r\n\r\n",
    "a list of lengths": POST + b"content-length: 0, 0\r\n\r\n",
    "a signed length": POST + b"content-length: +0\r\n\r\n",
    "a negative length": POST + b"content-length: -1\r\n\r\n",
    "a hexadecimal length": POST + b"content-length: 0x0\r\n\r\n",
    "no length in the length": POST + b"content-length:\r\n\r\n",
    "an endless length": POST + b"content-length: 99999999999999999999999\r\n\r\n",
    "obs-fold": POST + b"x: a\r\n b\r\n\r\n",
    "a folded length": POST + b"x: a\r\n content-length: 3\r\n\r\n",
    "space before colon": POST + b"content-length : 0\r\n\r\n",
    "space before the first header": b"POST /first HTTP/1.1\r\n host: a\r\n\r\n",
    "a header without colon": POST + b"content-length\r\n\r\n",
    "bare line feeds": b"POST /first HTTP/1.1\nhost: a\n\n",
    "a bare line feed in the head": POST + b"x: a\ny: b\r\n\r\n",
    "a bare carriage return": POST + b"x: a\ry: b\r\n\r\n",
    "a NUL": POST + b"x: \0\r\n\r\n",
    "an unknown coding": POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a coding that only looks chunked": POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": POST + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked in 1.0": b"POST /first HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a vertical tab before chunked": POST + b"transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a chunk size with prefix": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "a negative chunk size": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
    "a chunk size with space": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
    "an endless chunk size": CHUNKED + b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "a chunk longer than its size": CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n",
    "line feeds around chunks": CHUNKED + b"3\nabc\n0\n\n",
    "a line feed in a chunk extension": CHUNKED + b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "no host": b"GET /first HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /first HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    "HTTP/0.9": b"GET /first\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version from the future": b"GET /first HTTP/2.0\r\nhost: a\r\n\r\n",
    "a lower-case method": b"get /first HTTP/1.1\r\nhost: a\r\n\r\n",
    "a space in the target": b"GET /first HTTP/1.1 HTTP/1.1\r\nhost: a\r\n\r\n",
    "a byte beyond ASCII in the target": b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n",
    "CONNECT": b"CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("malformed", [pytest.param(raw, id=name) for name, raw in MALFORMED.items()])
async def test_malformed_requests_are_refused_and_what_follows_is_not_executed(edge, malformed, caplog):
    assert refusal_in(await edge.talk(malformed + EVIL)) == 400
    if "HTTP/2" not in str(malformed):
        assert (
            refusal_in(await edge.talk(*(malformed[at : at + 1] for at in range(len(malformed))), pause=0))
            == 400
        )
    assert "/evil" not in edge.asked
    assert (await edge.talk(GOOD)).startswith(b"HTTP/1.1 200 OK")
    assert edge.asked[-1] == "/good"
    assert caplog.records == []  # nothing broke on the way, and nobody can fill the log


async def test_nothing_in_a_refusal_tells_what_serves_it(edge):
    head = (await edge.talk(MALFORMED["cl-te"])).partition(b"\r\n\r\n")[0].lower()
    assert b"uvicorn" not in head
    assert b"date:" not in head


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(POST + b"x: " + b"a" * 5000 + b"\r\n\r\n", id="one long header"),
        pytest.param(POST + b"x: y\r\n" * 19 + b"z: " + b"b" * 4000 + b"\r\n\r\n", id="together"),
        pytest.param(POST + b"x: y\r\n" * 30 + b"\r\n", id="too many"),
        pytest.param(b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", id="a long target"),
        pytest.param(POST + b"x: " + b"a" * 5000, id="without end"),
    ],
)
async def test_heads_that_are_too_long_are_cut(edge, head):
    assert refusal_in(await edge.talk(head)) == 431
    assert refusal_in(await edge.talk(*(head[at : at + 1000] for at in range(0, len(head), 1000)))) == 431
    assert (await edge.talk(GOOD)).startswith(b"HTTP/1.1 200 OK")


async def test_a_trailer_without_end_is_cut(edge):
    assert refusal_in(await edge.talk(CHUNKED + b"2\r\nhi\r\n", b"0\r\nx: ", b"a" * 3000, b"a" * 3000)) == 431


async def test_a_long_body_is_no_long_head(edge):
    body = b"x" * 500_000
    answer = await edge.talk(POST + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    assert answer.endswith(b"\r\n\r\n" + body)


@pytest.mark.parametrize("pieces", [[b"GET /fi"], [POST, b"x: y\r\n"], [b"\r\n", b"\r\n"], [GOOD[:-2]]])
async def test_a_head_that_does_not_end_is_cut_in_time(hasty, pieces):
    assert refusal_in(await hasty.talk(*pieces)) == 408
    assert hasty.asked == []


async def test_dripping_does_not_buy_time(hasty):
    answer = await hasty.talk(*(b"x" for _ in range(200)), pause=0.005)
    assert answer[:12] in (b"HTTP/1.1 408", b"HTTP/1.1 400")
    drip = POST + b"x: y\r\n" * 15
    assert refusal_in(await hasty.talk(*(drip[at : at + 1] for at in range(len(drip))), pause=0.005)) == 408


async def test_a_connection_that_asks_nothing_is_closed_without_a_word(hasty):
    assert await hasty.talk() == b""


async def test_a_broken_body_tells_the_application_that_the_client_is_gone(edge):
    answer = await edge.talk(CHUNKED + b"3\r\nabc\r\n", b"zz\r\n")
    assert refusal_in(answer) == 400
    await edge.until(lambda: edge.disconnects == 1)


async def test_an_application_that_answers_a_broken_request_nonetheless_is_not_heard(edge, caplog):
    stubborn = CHUNKED.replace(b"/first", b"/stubborn") + b"3\r\nabc\r\n"
    talk = asyncio.ensure_future(edge.talk(stubborn, b"zz\r\n", *[b"x"] * 20))
    await edge.until(lambda: edge.asked and edge.taken >= len(stubborn + b"zz\r\n"))
    edge.go = True
    assert refusal_in(await talk) == 400
    assert caplog.records == []


@pytest.mark.parametrize(
    "behind", [EVIL, b"garbage", MALFORMED["cl-te"]], ids=["request", "garbage", "cl-te"]
)
@pytest.mark.parametrize("apart", [True, False])
async def test_what_is_sent_before_the_answer_ended_is_not_executed(edge, behind, apart):
    request = b"POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi"
    talk = asyncio.ensure_future(edge.talk(*([request, behind] if apart else [request + behind])))
    await edge.until(lambda: edge.asked and edge.taken == len(request + behind))
    edge.go = True
    answer = await talk
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"\r\n\r\nhi")
    assert edge.asked == ["/slow"]


async def test_a_client_may_ask_again_as_soon_as_it_has_all_bytes(edge):
    """All of the first answer is out, though the application has not said so."""
    late = b"POST /late-end HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi"
    talk = asyncio.ensure_future(edge.talk(late, GOOD))
    await edge.until(lambda: edge.taken == len(late + GOOD))
    edge.go = True
    assert (await talk).count(b"200 OK") == 2
    assert edge.asked == ["/late-end", "/good"]


async def test_an_upgrade_is_passed_over_and_its_body_is_no_request(edge):
    body = EVIL
    head = POST + (
        b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n"
        b"content-length: %d\r\n\r\n" % len(body)
    )
    for pieces in ([head + body + GOOD], [head, body, GOOD], [head + body[:5], body[5:], GOOD]):
        edge.asked.clear()
        answer = await edge.talk(*pieces)
        assert body in answer
        assert edge.asked[0] == "/first"
        assert "/evil" not in edge.asked
        assert b"upgrade" not in edge.headers[-1]


async def test_an_upgrade_to_websocket_is_an_ordinary_request(edge):
    upgrade = b"GET /first HTTP/1.1\r\nhost: a\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\r\n"
    for behind in (b"", EVIL):
        edge.asked.clear()
        answer = await edge.talk(upgrade + behind)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b"\r\nconnection: close\r\n" in answer
        assert edge.asked == ["/first"]


async def test_a_trailer_is_no_header(edge):
    request = (
        POST
        + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nauthorization: x\r\n\r\n"
    )
    assert (await edge.talk(request)).endswith(b"\r\n\r\nhi")
    assert b"authorization" not in edge.headers[0]


async def test_an_answer_that_did_not_wait_for_the_body(edge):
    """The rest of the body is thrown away, and is no request."""
    body = EVIL * 100
    answer = await edge.talk(EARLY % len(body), body, GOOD)
    assert answer.count(b"200 OK") == 2
    assert edge.asked == ["/early", "/good"]


async def test_a_body_that_nobody_waits_for_and_that_never_ends_is_cut(hasty):
    answer = await hasty.talk(EARLY % 3200, *(b"x" for _ in range(200)))
    assert answer.count(b"HTTP/1.1") == 1


async def test_http_1_0_and_absolute_targets_are_understood(edge):
    assert (await edge.talk(b"GET /first HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
    absolute = b"GET http://a/second?x=1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    assert (await edge.talk(absolute)).startswith(b"HTTP/1.1 200 OK")
    assert edge.asked == ["/first", "/second"]


@contextlib.asynccontextmanager
async def on_this_loop(face, **settings):
    """An edge, its server, and the task that ends when it has stopped."""
    edge = Edge()
    server = server_of(edge, face, **settings)
    server.capture_signals = contextlib.nullcontext
    serving = asyncio.create_task(server.serve())
    await edge.until(lambda: server.started)
    edge.port = port_of(server)
    try:
        yield edge, server, serving
    finally:
        edge.go = server.should_exit = True
        await asyncio.wait_for(serving, PATIENCE)


@pytest.mark.parametrize("face", FACES)
async def test_the_next_request_on_a_connection_has_its_own_time(face):
    first, sent, limits = POST + b"content-length: 2\r\n\r\nhi", 0, replace(LIMITS, header_seconds=2)
    async with on_this_loop(face, limits=limits, keep_alive=PATIENCE) as (edge, _, _):

        async def answered(answer):
            nonlocal sent
            sent += 1
            await edge.until(lambda: answer.count(b"200 OK") == min(sent, 4))
            await asyncio.sleep(limits.header_seconds / 3)

        answer = await edge.talk(first, first, first, first, first[:30], between=answered)
        assert answer.count(b"200 OK") == 4
        assert answer.count(b"408 Request Timeout") == 1
        assert edge.asked == ["/first"] * 4


@pytest.mark.parametrize("face", FACES)
async def test_a_server_that_stops_waits_for_the_answers_under_way(face):
    async with on_this_loop(face) as (edge, server, serving):
        request = b"POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi"
        talk = asyncio.ensure_future(edge.talk(request))
        await edge.until(lambda: edge.asked)
        server.should_exit = True
        await edge.until(lambda: not server.servers[0].sockets)
        await asyncio.sleep(0.02)  # in which it could have ended
        assert not serving.done()
        edge.go = True
        answer = await talk
        assert b"connection: close" in answer
        assert answer.endswith(b"\r\n\r\nhi")


KEPT = 0.6  # seconds


@pytest.mark.parametrize("face", FACES)
async def test_an_idle_connection_is_closed_after_a_while(face):
    """Though it was used again before that while was over."""
    async with on_this_loop(face, keep_alive=KEPT) as (edge, _, _):
        for _ in range(20):
            answer, longest = await used_again_and_again(edge)
            if longest < KEPT:  # or the machine was late, and the connection idle for too long
                break
        assert answer.count(b"200 OK") == 3


async def used_again_and_again(edge):
    """What three requests on a connection are answered until it is closed, and the longest time from sending one to
    the answer of the next (seconds)."""
    request, clock = POST + b"content-length: 2\r\n\r\nhi", asyncio.get_running_loop().time
    sent, longest = [clock()], 0.0

    async def quiet(answer):
        nonlocal longest
        await edge.until(lambda: answer.count(b"200 OK") == len(sent) or clock() - sent[-1] > KEPT)
        longest = max(longest, clock() - sent[-2:][0])
        await asyncio.sleep(KEPT * 0.55)
        sent.append(clock())

    return await edge.talk(request, request, request, pause=0, between=quiet), longest
