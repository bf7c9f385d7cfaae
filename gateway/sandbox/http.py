"""A small HTTP/1.1 server for the stand-ins: unlike an ASGI server it can refuse, cut and stall."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import urlsplit

import httptools
import orjson

SERVER: Final = "weir-sandbox"
MAX_BODY: Final = 64 * 1024 * 1024  # bytes

Headers = Mapping[str, str]


class Interrupted(Exception):  # noqa: N818  # it names what a fault did to the answer
    """The answer was broken off on purpose; whoever was writing it has nothing more to do."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came. Header names are in lower case; of repeated headers the last counts."""

    method: str
    path: str  # without the query
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    query: str = ""
    spoilt: str = ""  # in which way the answer to it shall be a bad one (`faults.SPOILT`)

    def json(self) -> Any:
        """The body as JSON. Raises orjson.JSONDecodeError."""
        return orjson.loads(self.body)


Interruption = Callable[["Reply"], Awaitable[None]]


class Reply:
    """One answer on its way out, whole or as a chunked stream."""

    def __init__(self, connection: "_Connection") -> None:
        self._connection = connection
        self._writes = 0
        self.started = False
        self.interruption: Interruption | None = None  # a fault strikes in the middle of the answer

    async def whole(self, status: int, body: bytes, headers: Headers | None = None) -> None:
        """The complete answer, with its length. Raises Interrupted where a fault breaks it off."""
        head = self._head(status, {**(headers or {}), "content-length": str(len(body))})
        if self.interruption is None:
            await self.raw(head + body)
            return
        await self.raw(head + body[: len(body) // 2])
        await self._interrupt()

    async def json(self, status: int, value: object, headers: Headers | None = None) -> None:
        """The complete answer, as JSON."""
        await self.whole(status, orjson.dumps(value), {"content-type": "application/json", **(headers or {})})

    async def begin(self, status: int, headers: Headers) -> None:
        """Start a chunked answer."""
        await self.raw(self._head(status, {**headers, "transfer-encoding": "chunked"}))

    async def write(self, data: bytes) -> None:
        """One chunk, in one write to the socket. Raises Interrupted where a fault breaks the stream off."""
        await self.raw(b"%x\r\n%s\r\n" % (len(data), data))
        self._writes += 1
        if self.interruption is not None and self._writes == 3:  # the client has seen content by then
            await self._interrupt()

    async def end(self) -> None:
        """End a chunked answer properly."""
        await self.raw(b"0\r\n\r\n")

    async def raw(self, data: bytes) -> None:
        """Bytes as they are, HTTP or not; waits while the client reads too slowly."""
        self.started = True
        await self._connection.send(data)

    def cut(self) -> None:
        """Drop the connection without another byte, as a killed process does."""
        self._connection.abort()

    async def _interrupt(self) -> None:
        interruption, self.interruption = self.interruption, None
        if interruption is not None:
            # uvloop writes at the end of a turn, and the client is to see what came before.
            await asyncio.sleep(0)
            await interruption(self)
            raise Interrupted

    def _head(self, status: int, headers: Headers) -> bytes:
        lines = [f"HTTP/1.1 {status} {_reason(status)}", f"server: {SERVER}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if not self._connection.keep_alive:
            lines.append("connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in {known.value for known in HTTPStatus} else "Unknown"


Handler = Callable[[Request, Reply], Awaitable[None]]


class _Connection(asyncio.Protocol):
    """One client connection: requests in order, each in a task that is cancelled when the client goes."""

    def __init__(self, handler: Handler, connections: set["_Connection"]) -> None:
        self._handler = handler
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[tuple[Request, bool]] = deque()
        self._writable = asyncio.Event()
        self._writable.set()
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0
        self.keep_alive = True
        self.task: asyncio.Task[None] | None = None

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self._connections.discard(self)
        self._writable.set()
        if self.task is not None:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._transport.write(
                b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
            self._transport.close()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # what httptools calls

    def on_message_begin(self) -> None:
        self._url, self._headers, self._body, self._size = b"", {}, [], 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > MAX_BODY:
            self._transport.abort()
            return
        self._body.append(body)

    def on_message_complete(self) -> None:
        url = urlsplit(self._url.decode("latin-1"))
        method = self._parser.get_method().decode()
        request = Request(method, url.path, self._headers, b"".join(self._body), url.query)
        self._queue.append((request, self._parser.should_keep_alive()))
        if self.task is None:
            self.task = asyncio.get_running_loop().create_task(self._serve())
            self.task.add_done_callback(self._served)

    # serving

    async def _serve(self) -> None:
        while self._queue:
            request, self.keep_alive = self._queue.popleft()
            with suppress(Interrupted):
                await self._handler(request, Reply(self))
            if not self.keep_alive:
                self._transport.close()

    def _served(self, task: asyncio.Task[None]) -> None:
        self.task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._transport.abort()
            context = {"message": "a stand-in's handler failed", "exception": error, "task": task}
            asyncio.get_running_loop().call_exception_handler(context)

    async def send(self, data: bytes) -> None:
        self._transport.write(data)
        await self._writable.wait()

    def abort(self) -> None:
        self._transport.abort()


class Listener:
    """A listening socket; it can close and open again on its port, as an engine dies and returns."""

    def __init__(self, handler: Handler, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """`port` 0 takes a free one, and keeps it from then on."""
        self._handler = handler
        self.host: Final = host
        self.port = port
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    @property
    def url(self) -> str:
        """Where it listens, as `http://127.0.0.1:8000`."""
        return f"http://{self.host}:{self.port}"

    async def open(self) -> None:
        """Start to listen. Raises OSError where the port is taken."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                lambda: _Connection(self._handler, self._connections), self.host, self.port, backlog=1024
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and drop every connection at once."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        tasks = [connection.task for connection in self._connections if connection.task is not None]
        for connection in tuple(self._connections):
            connection.abort()
        mine = asyncio.current_task()  # a request may close its own door
        others = [task for task in tasks if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if mine not in tasks:
            await server.wait_closed()
