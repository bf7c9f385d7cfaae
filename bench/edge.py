"""What the server's edge costs per request, without anything of Weir's behind it: each face in turn, same handler.

    python bench/edge.py [--requests 20000] [--rounds 5] [--connections 32]

The load is a process of its own that knows nothing of HTTP but where an answer ends. CPU is the serving thread's,
user and system, loop and sockets included; the least of the rounds counts, since other work only adds.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import socket
import time
from collections.abc import AsyncIterator
from typing import Final

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adapters.dialects.ingress import Ingress
from gateway.api.asgi import Application, DataPlane, Receive, Scope, Send
from gateway.api.protocol import EdgeLimits, serve_protocol
from gateway.pipeline.exchange import Exchange

EVENTS: Final = 20
_BODY: Final = b'{"model":"m","messages":[{"role":"user","content":"' + b"x" * 960 + b'"}]}'
_REQUEST: Final = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:4000\r\naccept: */*\r\nuser-agent: bench/1.0\r\n"
    b"accept-encoding: gzip, deflate\r\nconnection: keep-alive\r\ncontent-type: application/json\r\n"
    b"authorization: Bearer weir-0123456789abcdef0123456789abcdef\r\n%bcontent-length: %d\r\n\r\n%b"
)
_EVENT: Final = b'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
_ANSWER: Final = bytes(800)
_HEADERS: Final = tuple((b"x-weir-header-%d" % at, b"a value of some length") for at in range(10))
_WHOLE: Final = ((b"content-type", b"application/json"), (b"content-length", b"%d" % len(_ANSWER)), *_HEADERS)
_STREAM: Final = ((b"content-type", b"text/event-stream"), *_HEADERS)


async def serve(exchange: Exchange, _: Ingress) -> None:
    """What the pipeline does with an exchange, and nothing else."""
    exchange.header(b"authorization")
    await exchange.body(1_000_000, 10)
    for name in (b"x-weir-action", b"x-weir-workflow", b"x-weir-conversation", b"x-weir-debug"):
        exchange.header(name)
    exchange.allowed_headers()
    exchange.when_client_leaves(lambda: None)
    if exchange.header(b"x-stream"):
        await exchange.start(200, _STREAM)
        for _at in range(EVENTS):
            await exchange.send(_EVENT)
        await exchange.end()
    else:
        await exchange.start(200, _WHOLE)
        await exchange.end(_ANSWER)


async def nothing_else(scope: Scope, _receive: Receive, _send: Send) -> None:
    """There is no control plane here."""
    raise AssertionError(scope["path"])


class Client(asyncio.Protocol):
    """Asks as soon as it is answered, until the load's requests are used up."""

    def __init__(self, request: bytes, end: bytes, left: list[int], done: asyncio.Future[None]) -> None:
        self._request, self._end, self._left, self._done = request, end, left, done
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        if self._left[0] > 0:
            self._left[0] -= 1
            self._transport.write(self._request)
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-len(self._end) :]
        if self._tail == self._end:
            self._tail = b""
            self._ask()

    def connection_lost(self, _: Exception | None) -> None:
        self._left[1] -= 1
        if not self._left[1]:
            self._done.set_result(None)


def load(port: int, connections: int, requests: int, stream: bool) -> None:
    """Send that many requests. `end` is how every answer ends."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        done, left = loop.create_future(), [requests, connections]
        request = _REQUEST % (b"x-stream: 1\r\n" if stream else b"", len(_BODY), _BODY)
        end = b"\r\n0\r\n\r\n" if stream else _ANSWER
        for _ in range(connections):
            await loop.create_connection(lambda: Client(request, end, left, done), "127.0.0.1", port)
        await done

    uvloop.run(run())


@contextlib.asynccontextmanager
async def served(application: Application, http: type[asyncio.Protocol]) -> AsyncIterator[int]:
    """A uvicorn in this thread; its port."""
    config = uvicorn.Config(
        application,
        http=http,
        interface="asgi3",
        ws="none",
        lifespan="off",
        proxy_headers=False,
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    task = asyncio.get_running_loop().create_task(server.serve([listener]))
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        listener.close()


async def measured(port: int, connections: int, requests: int, stream: bool) -> float:
    """CPU µs of this thread per request."""
    process = multiprocessing.get_context("spawn").Process(
        target=load, args=(port, connections, requests, stream), daemon=True
    )
    process.start()
    begun = time.thread_time()
    await asyncio.to_thread(process.join)
    return (time.thread_time() - begun) / requests * 1e6


class Bare(asyncio.Protocol):
    """The least a server can do."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, _: bytes) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\n" + bytes(500) + _ANSWER)


async def bare(connections: int, requests: int, rounds: int) -> float:
    """What of the figures is the loop's and the kernel's."""
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return min([await measured(port, connections, requests, False) for _ in range(rounds)])


async def main(requests: int, rounds: int, connections: int) -> None:
    """Measure every face in turns and print the least of each."""
    plane = DataPlane(serve, nothing_else)

    async def hidden(scope: Scope, receive: Receive, send: Send) -> None:
        """The same as a plain ASGI application, which cannot be served directly."""
        await plane(scope, receive, send)

    edge = serve_protocol(EdgeLimits())
    faces = {
        "ASGI on uvicorn's own protocol": (plane, HttpToolsProtocol),
        "ASGI on Weir's edge": (hidden, edge),
        "direct on Weir's edge": (plane, edge),
    }
    best: dict[tuple[str, bool], float] = {}
    for _ in range(rounds):
        for name, (application, http) in faces.items():
            async with served(application, http) as port:
                for stream in (False, True):
                    found = await measured(port, connections, requests // (4 if stream else 1), stream)
                    best[name, stream] = min(found, best.get((name, stream), found))
    floor = await bare(connections, requests, rounds)
    print(f"{'CPU µs per request':34}{'whole, 1 KB':>14}{f'{EVENTS} events':>14}")
    print(f"{'no HTTP at all: a read, a write':34}{floor:14.1f}")
    for name in faces:
        print(f"{name:34}{best[name, False]:14.1f}{best[name, True]:14.1f}")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--requests", type=int, default=20000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--connections", type=int, default=32)
    given = arguments.parse_args()
    uvloop.run(main(given.requests, given.rounds, given.connections))
