"""What every stand-in shares: its routes, the faults it plays, and the record of what reached it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

import orjson

from gateway.sandbox.faults import SPOILT, Fault, Faults, Received
from gateway.sandbox.http import Listener, Reply, Request

Answer = Callable[[Request, Reply], Awaitable[None]]
NEVER: Final = 3600.0  # seconds a hanging answer stays open


class StandIn(ABC):
    """One provider's API on a loopback port of its own."""

    name: str
    models: tuple[str, ...]  # the names it answers to

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.faults: Final = Faults()
        self.received: Final = Received()  # POSTs only: health checks and scrapes would drown them
        self._listener = Listener(self.handle, host=host, port=port)

    @property
    def url(self) -> str:
        """The base URL, without `/v1`."""
        return self._listener.url

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        await self._listener.open()

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        await self._listener.close()

    async def down(self) -> None:
        """Die: connections are refused until `up`. The port stays this stand-in's own."""
        await self._listener.close()

    async def up(self) -> None:
        """Come back on the same port."""
        await self._listener.open()

    async def fault(self, mode: str, *, count: int | None = None, seconds: float = 2.0) -> None:
        """Make something go wrong (faults.MODES or a status), `none` to end it. Raises ValueError."""
        self.faults.set(mode, count=count, seconds=seconds)
        await (self.down() if mode == "refuse" else self.up())

    # what a provider's stand-in says

    @abstractmethod
    def routes(self) -> Mapping[tuple[str, str], Answer]:
        """Answers by method and path."""

    @abstractmethod
    def error(self, status: int) -> tuple[bytes, Mapping[str, str]]:
        """The provider's own body and headers for an error of that status."""

    @abstractmethod
    def error_event(self, path: str) -> bytes:
        """The provider's own error inside a stream that began with a 200, as it words it at that path."""

    @abstractmethod
    async def lost(self, request: Request, reply: Reply) -> None:
        """The provider's answer to a path or method it does not know."""

    # serving

    async def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request, with the fault that waits for it."""
        if request.path.startswith("/_sandbox/"):
            await self._control(request, reply)
            return
        if request.method == "POST":
            await self.received.add(request)
            fault = self.faults.take()
            if fault is not None and fault.mode in SPOILT:
                request = replace(request, spoilt=fault.mode)
            elif fault is not None and await self._strike(fault, request, reply):
                return
        answer = self.routes().get((request.method, request.path), self.lost)
        await answer(request, reply)

    async def _strike(self, fault: Fault, request: Request, reply: Reply) -> bool:
        """Play the fault; true where that was the whole answer."""
        if fault.status is not None:
            body, headers = self.error(fault.status)
            await reply.whole(fault.status, body, {"content-type": "application/json", **headers})
            return True
        streamed = b'"stream":true' in request.body.replace(b" ", b"")
        match fault.mode:
            case "slow":
                await asyncio.sleep(fault.seconds)
                return False
            case "held":
                await fault.lifted.wait()
                return False
            case "cut":
                reply.interruption = _cut
                return False
            case "stall":
                reply.interruption = _stall
                return False
            case "error_event":
                reply.interruption = partial(self._error_inside, request.path) if streamed else _cut
                return False
            case "hang":
                await asyncio.sleep(NEVER)
            case "garbage":
                await reply.raw(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
                reply.cut()
            case "nonsense":
                await reply.json(200, ["this", "is", "not", "an", "answer"])
        return True

    async def _error_inside(self, path: str, reply: Reply) -> None:
        await reply.write(self.error_event(path))
        await reply.end()

    async def _control(self, request: Request, reply: Reply) -> None:
        status, answer = await self.control(request.method, request.path, request.body)
        await reply.json(status, answer)

    async def control(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """`/_sandbox/faults` and `/_sandbox/requests`: status and answer."""
        match method, path:
            case "POST", "/_sandbox/faults":
                try:
                    order = orjson.loads(body)
                    await self.fault(
                        order["mode"], count=order.get("count"), seconds=order.get("seconds", 2.0)
                    )
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    return 400, {"error": f'send {{"mode": "500", "count": 1}}: {error}'}
                return 200, {"engine": self.name, "fault": order}
            case "GET", "/_sandbox/requests":
                return 200, self.received.listing()
            case "DELETE", "/_sandbox/requests":
                self.received.clear()
                return 200, []
            case _:
                return 404, {
                    "error": "the sandbox knows POST /_sandbox/faults and GET or DELETE /_sandbox/requests"
                }


async def _cut(reply: Reply) -> None:
    reply.cut()


async def _stall(reply: Reply) -> None:  # noqa: ARG001  # an interruption is handed the reply
    await asyncio.sleep(NEVER)


def bearer(request: Request) -> str | None:
    """The key of an `authorization: Bearer …` header, or None."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" and key.strip() else None
