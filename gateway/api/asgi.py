"""The data plane as an ASGI application: its paths go straight to the pipeline, before FastAPI's router, which
serves everything else. On Weir's own edge most requests skip ASGI altogether (`direct`)."""

import asyncio
import contextlib
import itertools
import logging
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from adapters.call import FILING, Headers
from adapters.dialects.ingress import INGRESS, Ingress
from gateway.api.bodies import SLICE, all_but_the_last, joined
from gateway.api.direct import DirectApplication, DirectExchange
from gateway.api.errors import FAULT, HttpError, in_anthropics_words, method_not_allowed, render
from gateway.api.heads import (
    DISCARD_SECONDS,
    allowed,
    answer_headers,
    error_headers,
    is_over,
    too_large,
    too_slow,
)
from gateway.api.logs import where
from gateway.api.paths import PATHS, anthropic, dialect_at, methods_at
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.faults import ClientGone

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("weir.api")

_TARGETS: Final = {path.encode(): path for path in PATHS}


class AsgiExchange:
    """One HTTP exchange over ASGI, under any server. `started`: whether any byte of an answer may have left."""

    __slots__ = (
        "_headers",
        "_notes",
        "_receive",
        "_send",
        "_watch",
        "id",
        "method",
        "path",
        "query",
        "started",
    )

    def __init__(self, identity: str, scope: Scope, receive: Receive, send: Send) -> None:
        self.id = identity
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.started = False
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._notes: Headers = ()
        self._receive = receive
        self._send = send
        self._watch: asyncio.Task[None] | None = None

    def header(self, name: bytes) -> bytes | None:
        """The first value of a request header; the name in lower case."""
        for key, value in self._headers:
            if key == name:
                return value
        return None

    def has_any(self, names: frozenset[bytes]) -> bool:
        """Whether any of these request headers is there; the names in lower case."""
        return any(key in names for key, _ in self._headers)

    def every(self, name: bytes) -> list[bytes]:
        """All values of a request header; the name in lower case."""
        return [value for key, value in self._headers if key == name]

    def allowed_headers(self) -> Headers:
        """The request headers that may travel on to a provider."""
        return allowed(self._headers)

    async def body(self, limit: int, seconds: float) -> bytes:
        """The whole body. Raises BodyTooLarge, BodyTooSlow, ClientGone."""
        if is_over(self.header(b"content-length"), limit):
            raise too_large(limit)
        try:
            async with asyncio.timeout(seconds):
                return await self._read(limit)
        except TimeoutError:
            raise too_slow(seconds) from None

    async def _read(self, limit: int) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body: bytes = message.get("body", b"")
        parts, size = [body], len(body)
        if size > limit:
            raise too_large(limit)
        if not message.get("more_body"):
            return body
        while message.get("more_body"):
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise too_large(limit)
        return await joined(parts, size)

    def when_client_leaves(self, leave: Callable[[], None]) -> None:
        """Call `leave` if the client goes before the end."""
        self._watch = asyncio.get_running_loop().create_task(self._watch_connection(leave))

    async def _watch_connection(self, leave: Callable[[], None]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        leave()

    def stop_watching(self) -> None:
        """The exchange is over; nobody is to be told any more."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def note(self, headers: Headers) -> None:
        """What an error answer should say of the request."""
        self._notes = headers

    async def start(self, status: int, headers: Headers) -> None:
        """Send the answer's head."""
        self.started = True
        headers = answer_headers(self.path, headers)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def send(self, data: bytes) -> None:
        """Send bytes of the answer; waits while the client's connection is full."""
        if len(data) > SLICE:
            data = await all_but_the_last(data, self.send)
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        """The answer is complete; `data` are its last bytes."""
        self.stop_watching()
        if len(data) > SLICE:
            data = await all_but_the_last(data, self.send)
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    async def answer(self, error: HttpError) -> None:
        """Send an error answer whole."""
        self.stop_watching()
        self.started = True
        headers = error_headers(error, self._notes, self.id)
        await self._send({"type": "http.response.start", "status": error.status, "headers": headers})
        if error.status == 413:
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


Face = AsgiExchange | DirectExchange


class DataPlane(DirectApplication):
    """The application uvicorn runs: models' paths go straight to the pipeline, the rest to the control plane."""

    def __init__(self, serve: Callable[[Exchange, Ingress], Awaitable[None]], control: Application) -> None:
        self._serve = serve
        self._control = control
        # One draw for the process and a count: drawing for each request would be a system call for each.
        self._process = f"req-{secrets.token_hex(8)}"
        self._count = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        dialect = dialect_at(scope["path"]) if scope["type"] == "http" else None
        if dialect is None or (dialect == "files" and scope["method"] == "GET"):  # the list of them
            await self._control(scope, receive, send)
            return
        exchange = AsgiExchange(self.identity(), scope, receive, send)
        methods = methods_at(exchange.path)
        if scope["method"] in methods:
            await self.serve_directly(exchange)
        else:
            await _refuse(exchange, method_not_allowed(scope["method"], exchange.path, methods))

    def path_of(self, target: bytes) -> str | None:
        """The path a POST to this request target is served at directly; None: it has to come in as ASGI."""
        return _TARGETS.get(target.partition(b"?")[0])

    def identity(self) -> str:
        """The next request's id."""
        return self._process + "%08x" % next(self._count)  # noqa: UP031  # compiled, a format costs five of these

    async def serve_directly(self, exchange: Face) -> None:
        """Serve one request, whichever face it came in by."""
        try:
            dialect = PATHS.get(exchange.path) or dialect_at(exchange.path) or "file"
            await self._serve(exchange, INGRESS[dialect])
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001  # the one place where any fault becomes an answer
            answer = render(error)
            if answer is FAULT:
                log.error(  # noqa: TRY400  # an exception's own words may quote what a client sent
                    "request failed", extra={"error": type(error).__name__, "where": where(error)}
                )
            if not exchange.started:
                await _refuse(exchange, answer)
        finally:
            exchange.stop_watching()


async def _refuse(exchange: Face, error: HttpError) -> None:
    """Answer with an error, in the client's own dialect."""
    version = exchange.header(b"anthropic-version") if dialect_at(exchange.path) in FILING else None
    if anthropic(exchange.path, version):
        error = in_anthropics_words(error, exchange.id)
    await exchange.answer(error)
