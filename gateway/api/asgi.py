"""The raw ASGI face of the data plane: it runs before FastAPI's router, which serves everything else."""

import asyncio
import contextlib
import itertools
import logging
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Final

from adapters.call import Headers, header
from adapters.dialects.ingress import INGRESS, Ingress
from gateway.api.errors import HttpError, in_anthropics_words, method_not_allowed, render
from gateway.api.logs import where
from gateway.api.paths import PATHS, anthropic
from gateway.api.protocol import HardenedProtocol
from gateway.pipeline.faults import BodyTooLarge, BodyTooSlow, ClientGone

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("weir.api")

DISCARD_SECONDS: Final = 5.0  # of a body that is too large
ALLOWED_REQUEST_HEADERS: Final = frozenset(
    {b"x-request-id", b"traceparent", b"tracestate", b"idempotency-key", b"openai-beta", b"anthropic-beta"}
)


class AsgiExchange:
    """One HTTP exchange over ASGI. `started` tells whether any byte of an answer may have left."""

    __slots__ = ("_connection", "_headers", "_notes", "_receive", "_send", "_watch", "id", "path", "started")

    def __init__(self, identity: str, scope: Scope, receive: Receive, send: Send) -> None:
        self.id = identity
        self.path: str = scope["path"]
        self.started = False
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._notes: Headers = ()
        self._receive = receive
        self._send = send
        self._connection: HardenedProtocol | None = scope.get("weir.connection")
        self._watch: asyncio.Task[None] | None = None

    def header(self, name: bytes) -> bytes | None:
        """The first value of a request header; the name in lower case."""
        for key, value in self._headers:
            if key == name:
                return value
        return None

    def allowed_headers(self) -> Headers:
        """The request headers that may travel on to a provider."""
        return tuple(pair for pair in self._headers if pair[0] in ALLOWED_REQUEST_HEADERS)

    async def body(self, limit: int, seconds: float) -> bytes:
        """The whole body. Raises BodyTooLarge, BodyTooSlow, ClientGone."""
        length = self.header(b"content-length")
        if length is not None and length.isdigit() and int(length) > limit:
            raise BodyTooLarge(_too_large(limit))
        if self._connection is not None and not self._connection.cycle.more_body:
            return await self._read(limit)  # it is here already: no clock is needed
        try:
            async with asyncio.timeout(seconds):
                return await self._read(limit)
        except TimeoutError:
            raise BodyTooSlow(
                f"The request's body did not arrive within {seconds:g} seconds. Send it faster or smaller."
            ) from None

    async def _read(self, limit: int) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body: bytes = message.get("body", b"")
        parts, size = [body], len(body)
        if size > limit:
            raise BodyTooLarge(_too_large(limit))
        if not message.get("more_body"):
            return body
        while message.get("more_body"):
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise BodyTooLarge(_too_large(limit))
        return b"".join(parts)

    def when_client_leaves(self, leave: Callable[[], None]) -> None:
        """Call `leave` if the client goes before the end. Weir's own edge tells; another server has to be watched."""
        if self._connection is not None:
            self._connection.when_lost = leave
            if self._connection.transport.is_closing():  # it has gone already
                leave()
            return
        self._watch = asyncio.get_running_loop().create_task(self._watch_connection(leave))

    async def _watch_connection(self, leave: Callable[[], None]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        leave()

    def stop_watching(self) -> None:
        """The exchange is over; nobody is to be told any more."""
        if self._connection is not None:
            self._connection.when_lost = None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def note(self, headers: Headers) -> None:
        """What an error answer should say of the request."""
        self._notes = headers

    async def start(self, status: int, headers: Headers) -> None:
        """Send the answer's head."""
        self.started = True
        if anthropic(self.path):
            headers = _with_anthropics_id(headers)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def send(self, data: bytes) -> None:
        """Send bytes of the answer; waits while the client's connection is full."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        """The answer is complete; `data` are its last bytes."""
        self.stop_watching()
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    async def answer(self, error: HttpError) -> None:
        """Send an error answer whole."""
        self.stop_watching()
        self.started = True
        identity = self.id.encode()
        headers = (
            *error.headers,
            *self._notes,
            (b"content-length", b"%d" % len(error.body)),
            (b"x-weir-request-id", identity),
        )
        if not any(name == b"x-request-id" for name, _ in headers):  # a provider's own is passed on
            headers = (*headers, (b"x-request-id", identity))
        await self._send({"type": "http.response.start", "status": error.status, "headers": headers})
        if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            await self.send(error.body)
            await self._discard()
            await self.end()
        else:
            await self._send({"type": "http.response.body", "body": error.body})

    async def _discard(self) -> None:
        """Read on for a while: to close on a client that is still sending would reset the connection, and
        the answer that says why could be lost with it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_SECONDS):
                while (await self._receive()).get("more_body"):
                    pass


def _with_anthropics_id(headers: Headers) -> Headers:
    """Anthropic's libraries know a request by its `request-id`, whoever answered it."""
    if header(headers, b"request-id") is not None:
        return headers
    return (*headers, (b"request-id", header(headers, b"x-request-id") or b""))


def _too_large(limit: int) -> str:
    return (
        f"The request's body is over this gateway's limit of {limit:,} bytes. Send less, or have "
        "`server.max_body` raised."
    )


class DataPlane:
    """The application uvicorn runs: models' paths go straight to the pipeline, the rest to the control plane."""

    def __init__(
        self, serve: Callable[[AsgiExchange, Ingress], Awaitable[None]], control: Application
    ) -> None:
        self._serve = serve
        self._control = control
        # One draw for the process and a count: drawing for each request would be a system call for each.
        self._process = secrets.token_hex(8)
        self._count = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "http":
            dialect = PATHS.get(scope["path"])
            if dialect is not None:
                exchange = AsgiExchange(f"req-{self._process}{next(self._count):08x}", scope, receive, send)
                await self._exchange(INGRESS[dialect], exchange, scope["method"])
                return
        await self._control(scope, receive, send)

    async def _exchange(self, ingress: Ingress, exchange: AsgiExchange, method: str) -> None:
        if method != "POST":
            await _refuse(exchange, method_not_allowed(method, exchange.path))
            return
        try:
            await self._serve(exchange, ingress)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001  # the one place where any fault becomes an answer
            answer = render(error)
            if answer.status == 500:
                log.error(  # noqa: TRY400  # an exception's own words may quote what a client sent
                    "request failed", extra={"error": type(error).__name__, "where": where(error)}
                )
            if not exchange.started:
                await _refuse(exchange, answer)
        finally:
            exchange.stop_watching()


async def _refuse(exchange: AsgiExchange, error: HttpError) -> None:
    """Answer with an error, in the client's own dialect."""
    if anthropic(exchange.path):
        error = in_anthropics_words(error, exchange.id)
    await exchange.answer(error)
