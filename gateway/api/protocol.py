"""The server's edge, made hard: what is not plainly one HTTP/1.1 request is refused before anything sees it.

uvicorn's own protocol leaves some things to the proxy it expects in front. Here none is assumed:
malformed requests get an error in JSON, heads that are too long or too slow are cut, trailers do not become
headers, requests are not pipelined, and an upgrade nobody here speaks is passed over without losing the body.

Where the application is a `DirectApplication`, its POSTs never become ASGI: they are served on the connection itself.
Everything else goes uvicorn's way.
"""

import asyncio
import json
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gateway.api.direct import DirectApplication, DirectExchange

LINGER: Final = 1.0  # seconds in which a refused client may read why, before the connection is cut
_MUCH: Final = 128 * 1024  # bytes of one read, behind which there is likely more
_HOP_HEADERS: Final = frozenset({b"upgrade", b"connection", b"http2-settings"})


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """What the head of one request may cost, beyond which it is refused with 431 or 408."""

    header_bytes: int = 64 * 1024  # request line and headers; trailers count anew
    headers: int = 128  # how many
    header_seconds: float = 10.0  # from connecting, or from the first byte of a later request


class _BadRequestError(Exception):
    """Raised inside a parser callback, to stop the parser; the reason is kept in the protocol."""


class HardenedProtocol(HttpToolsProtocol):
    """One connection of a client. Give uvicorn what `serve_protocol` returns, as `http=…`."""

    def __init__(self, limits: EdgeLimits, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.limits = limits
        self._in_head = True  # the next byte belongs to a request line or a header
        self._begun = False  # ... and some of them are here
        self._uncounted = 0  # bytes since anything came of them: a whole head, a piece of a body
        self._refused = False
        self._fault: tuple[int, str] | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._direct = self.app if isinstance(self.app, DirectApplication) else None
        self._exchange: DirectExchange | None = (
            None  # the request that is served directly, else it is uvicorn's
        )
        self._idle_since = inf  # the loop's time; of a connection whose last answer was a direct one
        self._idle_timer: asyncio.TimerHandle | None = None

    # The event loop's side.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)
        if self._exchange is not None and not self._exchange.response_complete:
            self._exchange.lost()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        self._idle_since = inf
        size = len(data)
        self._uncounted += size
        if size > _MUCH:
            self._pause_for_others()
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            status, reason = self._fault or (400, f"the request is not valid HTTP/1.1: {error}")
            self._refuse(status, reason)
            return
        if self._uncounted > self.limits.header_bytes:
            self._refuse(431, self._too_long())
        elif self._head_timer is None and self._awaits_more():
            self._await_head()

    # The parser's side.

    def on_message_begin(self) -> None:
        if not self._may_ask():
            raise self._bad(400, "a request was sent before the answer to the last one had ended")
        self._in_head = self._begun = True
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # else it is a trailer: no header by the back door
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if len(self.headers) > self.limits.headers:
            raise self._bad(431, f"the request has more than {self.limits.headers} headers")
        version, method = self.parser.get_http_version(), self.parser.get_method()
        first = dict(reversed(self.headers))
        reason = self._head_fault(version, method, first)
        if reason is not None:
            raise self._bad(400, reason)
        self.expect_100_continue = b"expect" in first and any(
            value.lower() == b"100-continue" for value in self._every(b"expect")
        )
        if self._uncounted > self.limits.header_bytes and self._head_bytes() > self.limits.header_bytes:
            raise self._bad(431, self._too_long())
        if self.parser.should_upgrade():
            return  # `_feed` starts again without the upgrade
        self._in_head = self._begun = False
        self._uncounted = 0
        self._stop_head_timer()
        if method != b"POST" or not self._take_directly(first, http10=version == "1.0"):
            self._exchange = None
            self._begin_asgi()
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._uncounted = 0
        if self._exchange is not None:
            self._exchange.arrived(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._in_head = True
        self._uncounted = 0
        self._stop_head_timer()
        exchange = self._exchange
        if exchange is None:
            super().on_message_complete()
            return
        exchange.whole()
        if exchange.response_complete:  # its answer did not wait for it
            self._await_request()

    # Requests that are served directly, and those that are not.

    def _take_directly(self, first: dict[bytes, bytes], *, http10: bool) -> bool:
        """Serve this request without ASGI, if the application does so."""
        application = self._direct
        if application is None:
            return False
        path = application.path_of(self.url)
        if path is None:
            return False
        exchange = self._exchange = DirectExchange(
            application.identity(),
            path,
            self.headers,
            first,
            self,
            keep_alive=not http10 and self.parser.should_keep_alive(),
            http10=http10,
            unasked=self.expect_100_continue,
        )
        self.cycle = exchange  # type: ignore[assignment]  # it has all that uvicorn's protocol asks of a cycle
        task = exchange.task = asyncio.Task(
            application.serve_directly(exchange), loop=self.loop, name=exchange.id
        )
        self.tasks.add(task)
        return True

    def left(self, exchange: DirectExchange) -> None:
        """The application is done with an exchange: an answer it left unfinished ends with its connection."""
        self.tasks.discard(exchange.task)
        if not exchange.response_complete and not exchange.disconnected:
            self.transport.close()

    def answered(self) -> None:
        """All bytes of a direct answer are written."""
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            if self.flow.read_paused:
                self.flow.resume_reading()
            self._await_request()

    def _await_request(self) -> None:
        """The connection is idle. One timer looks after it: it is not moved with each request, but sleeps again
        when it fires too early."""
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._look_whether_idle)

    def _look_whether_idle(self) -> None:
        self._idle_timer = None
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            self.timeout_keep_alive_handler()
        elif left < inf:
            self._idle_timer = self.loop.call_later(left, self._look_whether_idle)

    def _begin_asgi(self) -> None:
        """Make the ASGI scope that uvicorn makes when a request begins: here it is clear that one is needed."""
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = url, headers, expect
        self.scope["headers"] = headers

    # What follows from it.

    def _may_ask(self) -> bool:
        """Whether the client has its answer, so that it may send another request."""
        if self._exchange is not None:
            return self._exchange.response_complete
        return self.cycle is None or _is_answered(self.cycle)

    def _pause_for_others(self) -> None:
        """Read on in the loop's next round: uvloop would read on at once, up to 8 MB of a large body."""
        if not self.flow.read_paused:
            self.transport.pause_reading()
            self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        if not self.flow.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def _awaits_more(self) -> bool:
        """Whether the clock runs for the client: within a head, or in the rest of a body already answered."""
        if self._in_head:
            return self._begun or self._uncounted > 0
        return self.cycle.response_complete

    def _feed(self, data: bytes) -> None:
        """Parse; where a client offers to upgrade (Java's does, to h2c), go on as if it had not.

        llhttp stops behind the head of such a request, and would take its body for the next request.
        """
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
            head = [b"%b %b HTTP/1.1" % (self.parser.get_method(), self.url)]
            head += [b"%b: %b" % header for header in self.headers if header[0] not in _HOP_HEADERS]
            if not self._stays_open():
                head.append(b"connection: close")
            self.parser = httptools.HttpRequestParser(self)
            self.parser.feed_data(b"\r\n".join([*head, b"", rest]))

    def _should_upgrade(self) -> bool:
        return False

    def _stays_open(self) -> bool:
        options = b",".join(self._every(b"connection")).lower()
        return b"close" not in [option.strip() for option in options.split(b",")]

    def _head_fault(self, version: str, method: bytes, first: dict[bytes, bytes]) -> str | None:
        """What llhttp lets pass, but two servers in a row could understand differently. `first` has the first value
        of each header."""
        if version not in ("1.0", "1.1"):
            return "only HTTP/1.1 is spoken here"
        if method == b"CONNECT":
            return "this server is no proxy"
        if b"transfer-encoding" in first and (
            version == "1.0"
            or any(value.lower() != b"chunked" for value in self._every(b"transfer-encoding"))
        ):
            return "the only transfer-encoding understood here is chunked, in HTTP/1.1"
        repeated = len(first) < len(self.headers)
        if (repeated and len(self._every(b"host")) > 1) or (b"host" not in first and version == "1.1"):
            return "a request has exactly one host header"
        return None

    def _every(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key == name]

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _too_long(self) -> str:
        return f"the request line and headers are longer than {self.limits.header_bytes} bytes"

    def _bad(self, status: int, reason: str) -> _BadRequestError:
        self._fault = (status, reason)
        return _BadRequestError(reason)

    def _refuse(self, status: int, reason: str) -> None:
        """Read nothing more from this connection. Whole requests that came before are still answered;
        else the client is told why, and has a moment to read it before the connection is cut."""
        self._refused = True
        self._stop_head_timer()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                cycle.keep_alive = False
                return
            cycle.disconnected = True  # its body will never be whole
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.close()
                return
        self.transport.write(_refusal(status, reason))
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._head_timer = self.loop.call_later(LINGER, self.transport.abort)
        else:
            self.transport.close()

    # The timer.

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.limits.header_seconds, self._head_is_late)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._uncounted:
            self._refuse(408, f"the headers were not complete within {self.limits.header_seconds:g} seconds")
        else:
            self.transport.close()  # nothing was asked, so nothing is answered


def serve_protocol(limits: EdgeLimits) -> type[HardenedProtocol]:
    """What `uvicorn.Config(http=…)` makes a connection's protocol with: the class, with these limits."""
    made: Any = partial(HardenedProtocol, limits)  # no heir of the class: compiled, it can have none
    return cast(type[HardenedProtocol], made)


def _is_answered(cycle: RequestResponseCycle) -> bool:
    """Whether all bytes of the answer are out, so that the client may well send its next request, although
    the application has yet to say that it is done."""
    if cycle.response_complete:
        return True
    if not cycle.response_started or cycle.more_body or cycle.chunked_encoding:
        return False
    return cycle.expected_content_length == 0 or cycle.scope["method"] == "HEAD"


def _refusal(status: int, reason: str) -> bytes:
    error = {"message": reason, "type": "invalid_request_error", "param": None, "code": "bad_http"}
    body = json.dumps({"error": error}).encode()
    return b"%bcontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (
        STATUS_LINE[status],
        len(body),
        body,
    )
