"""The direct face of the data plane: one HTTP exchange on a connection of Weir's own edge, with no ASGI between.

It stands where uvicorn's protocol keeps its `RequestResponseCycle`, so that everything the protocol asks of a
cycle (is it answered? is its body whole? does its connection stay open?) it can ask of this.
"""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Protocol

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from adapters.call import Headers
from gateway.api.bodies import SLICE, all_but_the_last, joined
from gateway.api.errors import HttpError
from gateway.api.heads import (
    ALLOWED_REQUEST_HEADERS,
    DISCARD_SECONDS,
    allowed,
    answer_headers,
    error_headers,
    is_over,
    too_large,
    too_slow,
)
from gateway.pipeline.faults import ClientGone

# Answer's headers with few values, whose lines are remembered.
_FEW_VALUES: Final = frozenset(
    {
        b"content-type",
        b"cache-control",
        b"x-weir-route",
        b"x-weir-model",
        b"x-weir-zone",
        b"x-weir-sensitivity",
        b"x-weir-policy",
        b"x-weir-attempts",
    }
)
_TOKENS: Final = _FEW_VALUES | {b"content-length", b"x-request-id", b"x-weir-request-id"}  # that need no look
_known_lines: Final[dict[tuple[bytes, bytes], bytes]] = {}
_MOST_KNOWN: Final = 1024
_LAST_CHUNK: Final = b"0\r\n\r\n"
_is_token = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch


class DirectApplication(ABC):
    """An application that can serve some requests without ASGI."""

    @abstractmethod
    def path_of(self, target: bytes) -> str | None:
        """The path a POST to this request target is served at directly; None: it has to come in as ASGI."""

    @abstractmethod
    def identity(self) -> str:
        """The next request's id."""

    @abstractmethod
    async def serve_directly(self, exchange: "DirectExchange") -> None:
        """Serve one request, and whatever comes of it, `stop_watching` at last. Raises nothing but CancelledError."""


class Connection(Protocol):
    """What an exchange needs of the connection it came on."""

    transport: asyncio.Transport
    flow: FlowControl

    def answered(self) -> None:
        """All bytes of the answer are written."""

    def left(self, exchange: "DirectExchange") -> None:
        """The application is done with the exchange."""


class DirectExchange:
    """One HTTP exchange, of a POST. `started` tells whether any byte of an answer may have left."""

    method: Final = "POST"
    query: Final = b""  # no path that is served directly reads one

    __slots__ = (
        "_connection",
        "_first",
        "_head",
        "_headers",
        "_http10",
        "_leave",
        "_left",
        "_limit",
        "_notes",
        "_parts",
        "_size",
        "_unasked",
        "_waiter",
        "disconnected",
        "id",
        "keep_alive",
        "more_body",
        "path",
        "response_complete",
        "started",
        "task",
    )

    def __init__(
        self,
        identity: str,
        path: str,
        headers: list[tuple[bytes, bytes]],
        first: dict[bytes, bytes],
        connection: Connection,
        *,
        keep_alive: bool,
        http10: bool = False,
        unasked: bool = False,
    ) -> None:
        """`first` has the first value of each header; `unasked`: the client holds its body back until it is asked for
        it (`expect: 100-continue`)."""
        self.id = identity
        self.path = path
        self.started = False
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False
        self.more_body = True
        self.task: asyncio.Task[None] | None = None  # that serves it
        self._headers = headers
        self._first = first
        self._waiter: asyncio.Future[None] | None = None  # of who waits for the body
        self._connection = connection
        self._http10 = http10
        self._unasked = unasked
        self._parts: list[bytes] = []
        self._size = 0
        self._limit: int | None = None  # of the body, once it is asked for
        self._head = b""  # written with the answer's first bytes
        self._left: int | None = None  # bytes of the answer to come, where it announced how many
        self._notes: Headers = ()
        self._leave: Callable[[], None] | None = None

    # What the pipeline sees.

    def header(self, name: bytes) -> bytes | None:
        """The first value of a request header; the name in lower case."""
        return self._first.get(name)

    def has_any(self, names: frozenset[bytes]) -> bool:
        """Whether any of these request headers is there; the names in lower case."""
        return not names.isdisjoint(self._first)

    def every(self, name: bytes) -> list[bytes]:
        """All values of a request header; the name in lower case."""
        return [value for key, value in self._headers if key == name]

    def allowed_headers(self) -> Headers:
        """The request headers that may travel on to a provider."""
        return allowed(self._headers) if self.has_any(ALLOWED_REQUEST_HEADERS) else ()

    async def body(self, limit: int, seconds: float) -> bytes:
        """The whole body. Raises BodyTooLarge, BodyTooSlow, ClientGone."""
        if is_over(self.header(b"content-length"), limit):
            raise too_large(limit)
        self._limit = limit
        if self.more_body:
            self._ask()
            try:
                async with asyncio.timeout(seconds):
                    while self.more_body and not self.disconnected and self._size <= limit:
                        await self._news()
            except TimeoutError:
                raise too_slow(seconds) from None
        if self.disconnected:
            raise ClientGone
        if self._size > limit:
            raise too_large(limit)
        parts = self._parts
        return parts[0] if len(parts) == 1 else await joined(parts, self._size)

    def when_client_leaves(self, leave: Callable[[], None]) -> None:
        """Call `leave` if the client goes before the end."""
        self._leave = leave
        if self.disconnected or self._connection.transport.is_closing():  # it has gone already
            self.lost()

    def stop_watching(self) -> None:
        """The exchange is over; nobody is to be told any more."""
        self._leave = None
        self._connection.left(self)

    def note(self, headers: Headers) -> None:
        """What an error answer should say of the request."""
        self._notes = headers

    async def start(self, status: int, headers: Headers) -> None:
        """Send the answer's head: it leaves with the first bytes that follow."""
        self._start(status, answer_headers(self.path, headers))

    async def send(self, data: bytes) -> None:
        """Send bytes of the answer; waits while the client's connection is full."""
        if data:
            if len(data) > SLICE:
                data = await all_but_the_last(data, self.send)
            if self._connection.flow.write_paused:
                await self._drained()
            self._write(data, b"")
            if self._left == 0:  # the client has all it was told of, and may ask again
                self._complete()

    async def end(self, data: bytes = b"") -> None:
        """The answer is complete; `data` are its last bytes."""
        self._leave = None
        if not self.response_complete:
            if len(data) > SLICE:
                data = await all_but_the_last(data, self.send)
            if self._connection.flow.write_paused:
                await self._drained()
            self._write(data, _LAST_CHUNK)
            if self._left and not self.disconnected:
                raise RuntimeError("the answer is shorter than its content-length")
            self._complete()

    async def answer(self, error: HttpError) -> None:
        """Send an error answer whole. Where the body is too large, read on for a while: to close on a client
        that is still sending would reset the connection, and the answer that says why could be lost with it."""
        self._leave = None
        self._start(error.status, error_headers(error, self._notes, self.id))
        if self._connection.flow.write_paused:
            await self._drained()
        self._write(error.body, b"")
        if error.status == 413:
            await self._discard()
        self._complete()

    # What the connection tells.

    @property
    def response_started(self) -> bool:
        """As uvicorn's cycle calls it."""
        return self.started

    @property
    def message_event(self) -> "DirectExchange":
        """What uvicorn's protocol sets whenever something changed for who waits here."""
        return self

    def set(self) -> None:
        """Something changed for who waits for the body."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def arrived(self, data: bytes) -> None:
        """A piece of the body. Nothing is kept of a body that is over the limit or that nobody waits for."""
        self._size += len(data)
        if self.response_complete or (self._limit is not None and self._size > self._limit):
            self._parts.clear()
        else:
            self._parts.append(data)
            if self._limit is None and self._size > HIGH_WATER_LIMIT:
                self._connection.flow.pause_reading()  # until it is asked for
        self.set()

    def whole(self) -> None:
        """The body is complete."""
        self.more_body = False
        self.set()

    def lost(self) -> None:
        """The client's connection is gone, or as good as gone."""
        self.disconnected = True
        self.set()
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()

    def _complete(self) -> None:
        if self.disconnected:
            return
        self.response_complete = True
        if not self.keep_alive:
            self._connection.transport.close()
        self._connection.answered()

    # The body's way in.

    def _ask(self) -> None:
        """Take the body from here on; say so to a client that holds it back."""
        connection = self._connection
        if self._unasked and not connection.transport.is_closing():
            connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._unasked = False
        connection.flow.resume_reading()

    async def _news(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def _discard(self) -> None:
        self._limit = 0
        self._parts.clear()
        self._connection.flow.resume_reading()
        try:
            async with asyncio.timeout(DISCARD_SECONDS):
                while self.more_body and not self.disconnected:
                    await self._news()
        except TimeoutError:
            return

    # The answer's way out.

    def _start(self, status: int, headers: Headers) -> None:
        if self.started:
            raise RuntimeError("the answer has begun already")
        if self._unasked:  # its body may come or not: the next request could not be told from it
            self.keep_alive = False
        lines = [STATUS_LINE[status]]
        for pair in headers:
            line = _known_lines.get(pair)
            if line is not None:
                lines.append(line)
                continue
            name, value = pair
            if name == b"connection":  # how it goes on is said below
                self.keep_alive = self.keep_alive and value != b"close"
                continue
            if name == b"content-length":
                self._left = int(value)
            lines.append(_line(name, value))
        if self._left is None and self._http10:
            self.keep_alive = False  # the end of the connection is the answer's end
        elif self._left is None:
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        self._head = b"".join(lines)
        self.started = True

    async def _drained(self) -> None:
        if not self.disconnected:
            await self._connection.flow.drain()

    def _write(self, data: bytes, last: bytes) -> None:
        """Write the head, if it has not left, and `data`; framed by `last` where the answer is chunked."""
        if self.disconnected:
            return
        head, self._head = self._head, b""
        if self._left is not None:
            if len(data) > self._left:
                raise RuntimeError("the answer is longer than its content-length")
            self._left -= len(data)
            out = head + data
        elif self._http10:
            out = head + data
        elif data:
            out = b"%b%x\r\n%b\r\n%b" % (head, len(data), data, last)
        else:
            out = head + last
        if out:
            self._connection.transport.write(out)


def _line(name: bytes, value: bytes) -> bytes:
    """One header of an answer, as it is written."""
    if name not in _TOKENS:
        _require_token(name)
    if 0x0A in value or 0x0D in value or 0 in value:
        raise RuntimeError("a header of the answer holds a line break")
    line = b"%b: %b\r\n" % (name, value)
    if name in _FEW_VALUES:
        if len(_known_lines) >= _MOST_KNOWN:
            _known_lines.clear()
        _known_lines[name, value] = line
    return line


@lru_cache(maxsize=256)
def _require_token(name: bytes) -> None:
    if not _is_token(name):
        raise RuntimeError("a header of the answer has a name that is none")
