"""One HTTP/1.1 connection to a replica: request out, answer in, one after the other.

No task runs here. The event loop calls the connection, the connection feeds the parser, and whoever waits
for the answer is woken through one future. One timer per connection watches whatever deadline holds at the
moment: it is not moved as bytes arrive, but looks at the deadline when it fires and sleeps again.
"""

import asyncio
import select
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Any, Final, Protocol

import httptools

from adapters.document import Body
from adapters.errors import Failure
from adapters.transport.answer import Answer

SLICE: Final = 128 * 1024  # bytes of a request body handed to the socket (and to TLS) at a time


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds."""

    connect: float = 5.0  # for a connection, its TLS handshake included
    first_byte: float = 60.0  # from the last progress in sending until the answer's headers are there
    idle: float = 60.0  # between two reads from the socket; not counted while our own reader is behind
    total: float = 600.0  # for everything from the call to the end of the answer
    pool: float = 10.0  # for a connection of a pool whose connections are all busy


@dataclass(frozen=True, slots=True)
class Limits:
    """What one replica may cost."""

    connections: int = 512  # open at once, idle ones included
    keepalive: float = 60.0  # seconds that an idle connection is kept
    header_bytes: int = 64 * 1024  # of one answer: status lines, headers, trailers
    unread_bytes: int = (
        256 * 1024
    )  # of an answer its reader has not taken, above which the socket is left alone


class Owner(Protocol):
    """Who counts the connections: the pool."""

    def freed(self, connection: "Connection") -> None:
        """The connection may carry the next request."""

    def gone(self, connection: "Connection") -> None:
        """The connection is closed. Called once."""


class Connection(asyncio.Protocol):
    """A socket, its parser and its timer. Idle when `_answer` is None; else it carries that one exchange."""

    def __init__(self, loop: asyncio.AbstractEventLoop, peer: str, limits: Limits) -> None:
        self.loop = loop
        self.closed = False
        self._peer = peer
        self._limits = limits
        self._owner: Owner | None = None
        self._transport: asyncio.Transport
        self._parser: Any = httptools.HttpResponseParser(self)
        self._readable = select.poll()
        self._answer: Answer | None = None
        self._sending = self._write_blocked = self._read_paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = self._deadline = self._end = inf
        self._idle_timeout = inf
        self._begin_parsing(head_only=False)

    def _begin_parsing(self, *, head_only: bool) -> None:
        self._head_only = head_only
        self._in_head = True  # of the final answer, or of an interim one before it
        self._interim = self._whole = self._reusable = False
        self._fault: str | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._header_bytes = self._bytes_without_body = 0

    # The pool's side.

    def adopt(self, owner: Owner) -> bool:
        """Count this connection as the owner's from now on; False where it is closed already."""
        if not self.closed:
            self._owner = owner
        return not self.closed

    def fresh(self) -> bool:
        """Whether an idle connection can carry a request: it is open, and the kernel holds nothing from the
        other side. A waiting byte is an end the loop has not seen yet, or an answer nobody asked for."""
        return not self.closed and not self._readable.poll(0)

    def close(self) -> None:
        """Close at once. Idempotent."""
        if self.closed:
            return
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._parser = None  # it holds this connection's methods: break the circle
        self._transport.abort()
        if self._owner is not None:
            self._owner.gone(self)

    async def exchange(
        self, head: bytes, body: Body, *, head_only: bool, timeouts: Timeouts, end: float
    ) -> Answer:
        """Send a request and wait for the final status and headers. `end`: the loop's time at which all of it
        must be over. Raises UpstreamError(sent=True); any exception closes the connection."""
        answer = self._answer = Answer(self)
        self._begin_parsing(head_only=head_only)
        self._end = end
        self._idle_timeout = timeouts.idle
        self._expect_within(timeouts.first_byte)
        try:
            if isinstance(body, bytes) and len(body) <= SLICE:
                self._transport.write(head + body if body else head)
            else:
                await self._send_slices(answer, head, body, timeouts.first_byte)
            while not answer.status and not answer.settled():
                await answer.news()
        except BaseException:
            self.give_up(answer)
            raise
        return answer

    async def _send_slices(self, answer: Answer, head: bytes, body: Body, patience: float) -> None:
        """Send a large body no faster than it leaves, and let others have their turn meanwhile; stop where the answer
        refuses it before it is sent."""
        self._sending = True  # until the last slice is out, no other request may use this connection
        self._transport.write(head)
        for piece in _slices(body):
            while self._write_blocked and not answer.settled() and answer.status < 300:
                await answer.news()
            if answer.settled() or answer.status >= 300:
                return
            self._transport.write(piece)
            if not answer.status:
                self._expect_within(patience)
            await asyncio.sleep(0)  # the kernel may have taken it at once, and would take megabytes
        self._sending = False

    # The answer's side.

    def give_up(self, answer: Answer) -> None:
        """Close, if this answer is still arriving."""
        if self._answer is answer:
            self._answer = None
            answer.fail("broken", "the answer was closed before it was complete")
            self.close()

    def caught_up(self, answer: Answer) -> None:
        """The reader has taken everything: go on reading from the socket."""
        if self._read_paused and self._answer is answer:
            self._resume_reading()
            self._expect_within(self._idle_timeout)

    # The event loop's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's transport, by create_connection
        self._readable.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:  # nothing was asked
            self.close()
            return
        unread = answer.unread
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._reusable = False  # behind a whole answer, nonsense costs only the connection
            self._fault = self._fault or f"{error}"
        if self._whole:
            self._settle(answer)
            return
        if answer.unread == unread:
            self._bytes_without_body += len(data)
        if self._fault is None and self._bytes_without_body > self._limits.header_bytes:
            self._fault = "too many bytes of headers"
        if self._fault is not None:
            self._fail("protocol", f"{self._peer} does not answer in HTTP: {self._fault}")
        else:
            self._keep_pace(answer)

    def eof_received(self) -> None:
        self._ended(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended(exc)

    def pause_writing(self) -> None:
        self._write_blocked = True

    def resume_writing(self) -> None:
        self._write_blocked = False
        if self._answer is not None:
            self._answer.wake()

    # The parser's side. Nothing is raised here: a fault is noted, and judged when the parser has returned.

    def on_message_begin(self) -> None:
        if self._whole:
            self._reusable = False  # an answer behind the answer

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value) + 4
        if self._in_head:  # else it is a trailer
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._whole or self._answer is None:
            return
        self._weigh_headers()
        status = self._parser.get_status_code()
        if status < 200:
            self._interim = True
            if status == 101:
                self._fault = "it switched protocols unasked"
            return
        coding = self._header(b"transfer-encoding")
        if coding is not None and coding.lower() != b"chunked":
            self._fault = "an unknown transfer-encoding"
            return
        self._in_head = False
        self._answer.begin(status, tuple(self._headers))
        if self._head_only:  # the parser expects a body that will not come
            self._complete()

    def on_body(self, data: bytes) -> None:
        if self._whole:
            self._reusable = False  # a body behind an answer that has none
        elif self._answer is not None:
            self._answer.arrived(data)

    def on_message_complete(self) -> None:
        self._weigh_headers()
        if self._interim:
            self._interim = False
            self._headers = []
        elif not self._whole and self._fault is None:
            self._complete()

    # What follows from it.

    def _weigh_headers(self) -> None:
        if self._header_bytes > self._limits.header_bytes:
            self._fault = "too many bytes of headers"

    def _complete(self) -> None:
        self._whole = True
        self._reusable = self._parser.should_keep_alive()

    def _header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self._headers if key == name), None)

    def _keep_pace(self, answer: Answer) -> None:
        """Wake the reader; leave the socket alone while it is too far behind."""
        if answer.unread > self._limits.unread_bytes:
            if not self._read_paused:
                self._read_paused = True
                self._transport.pause_reading()
            self._expect_within(inf)
        elif answer.status:
            self._expect_within(self._idle_timeout)
        answer.wake()

    def _resume_reading(self) -> None:
        self._read_paused = False
        self._transport.resume_reading()

    def _settle(self, answer: Answer) -> None:
        """The answer is complete: the connection is free for the next request, or spent."""
        self._answer = None
        answer.finish()
        if not self._reusable or self._sending or self.closed:
            self.close()
            return
        if self._read_paused:
            self._resume_reading()
        if self._head_only:
            self._parser = httptools.HttpResponseParser(self)
        self._end = inf
        self._expect_within(self._limits.keepalive)
        if self._owner is not None:
            self._owner.freed(self)

    def _fail(self, failure: Failure, message: str) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.fail(failure, message)
        self.close()

    def _ended(self, exc: Exception | None) -> None:
        """The other side closed: the proper end of an answer that announced no length, else a break."""
        answer = self._answer
        if answer is None:
            self.close()
        elif exc is None and answer.status and self._ends_with_connection():
            self._reusable = False
            self._settle(answer)
        else:
            reason = f": {type(exc).__name__}" if exc is not None else ""
            self._fail("broken", f"{self._peer} closed the connection before its answer was complete{reason}")

    def _ends_with_connection(self) -> bool:
        return self._header(b"content-length") is None and self._header(b"transfer-encoding") is None

    # The timer.

    def _expect_within(self, seconds: float) -> None:
        self._deadline = min(self.loop.time() + seconds, self._end)
        if self._deadline < self._timer_at:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._deadline
        self._timer = self.loop.call_at(self._deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer, self._timer_at = None, inf
        now = self.loop.time()
        if now < self._deadline:
            if self._deadline < inf:
                self._set_timer()
        elif self._answer is None:
            self.close()  # idle for long enough
        elif now >= self._end:
            self._fail("total_timeout", f"the answer of {self._peer} was not complete in time")
        elif self._answer.status:
            self._fail("idle_timeout", f"the answer of {self._peer} stopped coming")
        else:
            self._fail("first_byte_timeout", f"{self._peer} did not answer in time")


def _slices(body: Body) -> Iterator[memoryview]:
    """A body, no more than SLICE bytes at a time, none of them copied."""
    for part in (body,) if isinstance(body, bytes) else body.parts:
        view = memoryview(part)
        for start in range(0, len(view), SLICE):
            yield view[start : start + SLICE]
