"""A server's edge for tests: an application that echoes bodies and remembers what it was asked, by either face."""

import asyncio
import contextlib
import logging
import socket
import threading

import uvicorn
import uvloop

from gateway.api.direct import DirectApplication
from gateway.api.protocol import EdgeLimits, serve_protocol
from gateway.pipeline.faults import ClientGone
from tests.integration.waiting import until

LIMITS = EdgeLimits(header_bytes=4096, headers=20, header_seconds=30)  # however busy the machine is
HASTY = EdgeLimits(header_bytes=4096, headers=20, header_seconds=0.3)
PATIENCE = 60  # seconds for what comes to pass at once on a machine that is not busy
FACES = ["ASGI", "direct"]
GOOD = b"GET /good HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
EVIL = b"GET /evil HTTP/1.1\r\nhost: a\r\n\r\n"
POST = b"POST /first HTTP/1.1\r\nhost: a\r\n"
EARLY = b"POST /early HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n"


class Edge:
    """A server on uvloop, in a thread of its own, with an application that echoes bodies and remembers what
    it was asked."""

    def __init__(self):
        self.asked = []
        self.headers = []
        self.disconnects = 0
        self.go = False
        self.taken = 0  # bytes that its connections have read
        self.port = 0

    async def application(self, scope, receive, send):
        self.asked.append(scope["path"])
        self.headers.append(dict(scope["headers"]))
        body = b""
        if scope["path"] == "/stubborn":
            await self.until(lambda: self.go)
        elif scope["path"] != "/early":
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    self.disconnects += 1
                    return
                body += message["body"]
                if not message["more_body"]:
                    break
        else:
            body = b"too large"
        if scope["path"] == "/slow":
            await self.until(lambda: self.go)
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": scope["path"] == "/late-end"})
        if scope["path"] == "/late-end":
            await self.until(lambda: self.go)
            await send({"type": "http.response.body", "body": b""})

    async def talk(self, *pieces, pause=0.005, between=None):
        """Send pieces, each by itself, and read until the server closes. `between` is awaited behind each piece, with
        what was answered so far."""
        loop, answer = asyncio.get_running_loop(), bytearray()
        with socket.socket() as client:
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", self.port))

            async def listen():
                with contextlib.suppress(ConnectionError):
                    while data := await loop.sock_recv(client, 65536):
                        answer.extend(data)

            listening = asyncio.ensure_future(listen())
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    await loop.sock_sendall(client, piece)
                    await asyncio.sleep(pause)
                    if between is not None:
                        await between(answer)
            await asyncio.wait_for(listening, PATIENCE)
        return bytes(answer)

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110  # there is no event for what the test looks at
                await asyncio.sleep(0.001)


class Taking:
    """A connection's protocol, which tells the edge how much it has read: only then can a test know that bytes which
    are not to be executed were there to be."""

    def __init__(self, edge, protocol):
        self._edge = edge
        self._protocol = protocol

    def __getattr__(self, name):
        return getattr(self._protocol, name)

    def data_received(self, data):
        self._protocol.data_received(data)
        self._edge.taken += len(data)


class Direct(DirectApplication):
    """The same application without ASGI, for whatever is a POST."""

    def __init__(self, edge):
        self.edge = edge

    async def __call__(self, scope, receive, send):
        await self.edge.application(scope, receive, send)

    def path_of(self, target):
        return target.decode()

    def identity(self):
        return "r-1"

    async def serve_directly(self, exchange):
        try:
            await self.answer(exchange)
        finally:
            exchange.stop_watching()

    async def answer(self, exchange):
        edge, path, body = self.edge, exchange.path, b"too large"
        edge.asked.append(path)
        names = (b"host", b"authorization", b"upgrade")
        edge.headers.append({name: exchange.header(name) for name in names if exchange.header(name)})
        if path == "/stubborn":
            await edge.until(lambda: edge.go)
        elif path != "/early":
            try:
                body = await exchange.body(10**9, 10)
            except ClientGone:
                edge.disconnects += 1
                return
        if path == "/slow":
            await edge.until(lambda: edge.go)
        await exchange.start(200, ((b"content-length", b"%d" % len(body)),))
        await exchange.send(body)
        if path == "/late-end":
            await edge.until(lambda: edge.go)
        await exchange.end()


def server_of(edge, face, limits=LIMITS, keep_alive=1.0):
    """A server for this edge's application, by one of its faces."""
    hardened = serve_protocol(limits)

    def protocol(*arguments, **settings):
        return Taking(edge, hardened(*arguments, **settings))

    return uvicorn.Server(
        uvicorn.Config(
            edge.application if face == "ASGI" else Direct(edge),
            http=protocol,
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            server_header=False,
            date_header=False,
            host="127.0.0.1",
            port=0,
            timeout_keep_alive=keep_alive,
        )
    )


def port_of(server):
    return server.servers[0].sockets[0].getsockname()[1]


@contextlib.contextmanager
def serving(face, limits, keep_alive=1.0):
    edge = Edge()
    server = server_of(edge, face, limits, keep_alive)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    thread = threading.Thread(target=uvloop.run, args=(server.serve(),), daemon=True)
    thread.start()
    until(lambda: server.started)
    edge.port = port_of(server)
    yield edge
    edge.go = True
    server.should_exit = True
    thread.join(PATIENCE)
    assert not thread.is_alive()
