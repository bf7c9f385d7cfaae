"""What the upstream client costs, against bare exchanges (one write, one future, no HTTP) in the same run.

    python bench/transport.py [--exchanges 5000] [--rounds 5]

A replica in a process of its own answers 1 KB requests with 1 KB answers; a second kind streams 50 events per
answer. Rounds of both clients alternate and the best of each counts, since other work on the machine only
adds. CPU is this process's own, user and system.
"""

import argparse
import asyncio
import multiprocessing
import socket
import time
from collections.abc import Awaitable, Callable

import uvloop

from adapters.call import Outgoing
from adapters.transport import Limits, Pool

BODY = b'{"model":"m","messages":[{"role":"user","content":"' + b"x" * 960 + b'"}]}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: abc\r\ncontent-length: 1024\r\n\r\n"
    + bytes(1024)
)
EVENTS = 50
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
OUTGOING = Outgoing(
    b"POST",
    b"/v1/chat/completions",
    (
        (b"authorization", b"Bearer k"),
        (b"content-type", b"application/json"),
        (b"accept-encoding", b"identity"),
    ),
    BODY,
)


class Replica(asyncio.Protocol):
    """Counts bytes until a request is whole; knows nothing of HTTP. `/stream` gets events, one per write."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        end = self.received.find(b"\r\n\r\n")
        if end < 0 or len(self.received) < end + 4 + len(BODY):
            return
        streams = self.received.startswith(b"POST /stream")
        self.received = b""
        if streams:
            self.transport.write(STREAM_HEAD)
            self.tick(EVENTS)
        else:
            self.transport.write(ANSWER)

    def tick(self, left: int) -> None:
        if left:
            self.transport.write(CHUNK)
            asyncio.get_running_loop().call_later(0.001, self.tick, left - 1)
        else:
            self.transport.write(b"0\r\n\r\n")


def replica_process(listener: socket.socket) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Replica, sock=listener, backlog=1024)
        await server.serve_forever()

    uvloop.run(run())


class Bare(asyncio.Protocol):
    """The least an asyncio client can do: write, and wake one future when all bytes are there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.left = 0

    def data_received(self, data: bytes) -> None:
        self.left -= len(data)
        if self.left <= 0:
            self.done.set_result(None)

    async def exchange(self, request: bytes, expected: int) -> None:
        self.left = expected
        self.done = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        await self.done


async def measured(
    call: Callable[[int], Awaitable[None]], clients: int, exchanges: int
) -> tuple[float, float]:
    """Wall and CPU µs per exchange, with `clients` calling in turn."""

    async def client(at: int) -> None:
        for _ in range(exchanges // clients):
            await call(at)

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client(at) for at in range(clients)))
    count = exchanges // clients * clients
    return (time.perf_counter() - wall) / count * 1e6, (time.process_time() - cpu) / count * 1e6


async def compare(
    port: int, path: bytes, expected: int, clients: int, exchanges: int, rounds: int
) -> list[list[float]]:
    """The best wall and CPU µs per exchange of both clients: [[pooled], [bare]]."""
    loop = asyncio.get_running_loop()
    pool = Pool(f"http://127.0.0.1:{port}", limits=Limits(connections=clients))
    outgoing = Outgoing(OUTGOING.method, path, OUTGOING.headers, OUTGOING.body)
    bare = [(await loop.create_connection(Bare, "127.0.0.1", port))[1] for _ in range(clients)]
    request = b"POST %b HTTP/1.1\r\nhost: r\r\ncontent-length: %d\r\n\r\n%b" % (path, len(BODY), BODY)

    async def pooled_call(_: int) -> None:
        async with await pool.exchange(outgoing) as answer:
            while await answer.read():
                pass

    async def bare_call(at: int) -> None:
        await bare[at].exchange(request, expected)

    best = [[float("inf")] * 2, [float("inf")] * 2]
    for _ in range(rounds):
        for at, call in enumerate((pooled_call, bare_call)):
            figures = await measured(call, clients, exchanges)
            best[at] = [min(pair) for pair in zip(best[at], figures, strict=True)]
    await pool.aclose()
    for connection in bare:
        connection.transport.abort()
    return best


async def main(port: int, exchanges: int, rounds: int) -> None:
    streamed = len(STREAM_HEAD) + EVENTS * len(CHUNK) + 5
    print(f"{'':34}{'pooled wall':>12}{'bare wall':>12}{'pooled CPU':>12}{'bare CPU':>12}  µs per exchange")
    for name, path, expected, clients, count in (
        ("1 KB answers, 1 connection", b"/v1/chat/completions", len(ANSWER), 1, exchanges),
        ("1 KB answers, 64 connections", b"/v1/chat/completions", len(ANSWER), 64, exchanges),
        (f"streams of {EVENTS}, 64 connections", b"/stream", streamed, 64, exchanges // 20),
    ):
        (wall, cpu), (bare_wall, bare_cpu) = await compare(port, path, expected, clients, count, rounds)
        print(f"{name:34}{wall:12.1f}{bare_wall:12.1f}{cpu:12.1f}{bare_cpu:12.1f}")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--exchanges", type=int, default=5000)
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        process = multiprocessing.get_context("fork").Process(
            target=replica_process, args=(listener,), daemon=True
        )
        process.start()
        try:
            uvloop.run(main(listener.getsockname()[1], given.exchanges, given.rounds))
        finally:
            process.terminate()
            process.join()
