"""The load: one connection for latency, many streams for chunks, or (without wrk) many connections for throughput.

    python -m bench.gateway.load one|many|streams URL KEY [seconds]

Prints one JSON object. It runs in a process of its own, on a core of its own.
"""

import asyncio
import json
import socket
import statistics
import sys
import time
from typing import Final, cast
from urllib.parse import urlsplit

import httptools
import uvloop

from bench.gateway.bodies import bodies

STREAMS: Final = 500
CONNECTIONS: Final = 64
_WARM: Final = 200  # requests before the clock counts
_WINDOW: Final = (1.5, 5.5)  # seconds of the streams' life in which chunks are counted


CHAT: Final = "/v1/chat/completions"


def request(url: str, key: str, body: bytes, path: str = CHAT, kind: str = "application/json") -> bytes:
    """The whole request, ready to write; without a body it is a GET."""
    host, method = urlsplit(url).netloc, "POST" if body else "GET"
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def one(url: str, key: str, seconds: float) -> dict[str, float]:
    """Latency with one connection, in microseconds."""
    at = urlsplit(url)
    messages = [request(url, key, body) for body in bodies(256)]
    took: list[int] = []
    with socket.create_connection((at.hostname, at.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end, number = time.perf_counter() + seconds, 0
        while time.perf_counter() < end or number < _WARM + 100:
            began = time.perf_counter_ns()
            connection.sendall(messages[number % len(messages)])
            _read_answer(connection)
            took.append(time.perf_counter_ns() - began)
            number += 1
    counted = took[_WARM:]
    return {"p50": statistics.median(counted) / 1e3, "p99": statistics.quantiles(counted, n=100)[98] / 1e3}


def send_in_turn(url: str, message: bytes, count: int) -> None:
    """Send the same request `count` times over one connection."""
    at = urlsplit(url)
    with socket.create_connection((at.hostname, at.port)) as connection:
        for _ in range(count):
            connection.sendall(message)
            _read_answer(connection)


def _read_answer(connection: socket.socket) -> None:
    data = _received(connection)
    while (split := data.find(b"\r\n\r\n")) < 0:
        data += _received(connection)
    head = data[:split].lower()
    assert head.startswith(b"http/1.1 200"), data[:400]
    if b"transfer-encoding: chunked" in head:
        while not data.endswith(b"\r\n0\r\n\r\n"):
            data = data[-16:] + _received(connection)
        return
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    left = length - (len(data) - split - 4)
    while left > 0:
        left -= len(_received(connection))


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("the answer broke off")
    return data


class _Many(asyncio.Protocol):
    """One of many connections, each asking again as soon as it is answered."""

    def __init__(self, messages: list[bytes], first: int, done: list[int]) -> None:
        self._messages, self._number, self._done = messages, first, done
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        assert self._parser.get_status_code() == 200
        self._done[0] += 1
        self._parser = httptools.HttpResponseParser(self)
        self._ask()

    def _ask(self) -> None:
        self._transport.write(self._messages[self._number % len(self._messages)])
        self._number += 1


async def many(url: str, key: str, seconds: float) -> dict[str, float]:
    """Requests per second over 64 connections."""
    at, loop, done = urlsplit(url), asyncio.get_running_loop(), [0]
    messages = [request(url, key, body) for body in bodies(256)]
    for number in range(CONNECTIONS):
        await loop.create_connection(lambda first=number: _Many(messages, first, done), at.hostname, at.port)
    await asyncio.sleep(0.3)
    before, began = done[0], time.perf_counter()
    await asyncio.sleep(seconds)
    return {"rps": (done[0] - before) / (time.perf_counter() - began)}


class _Stream(asyncio.Protocol):
    """One stream, its events counted."""

    def __init__(self, message: bytes, chunks: list[int]) -> None:
        self._message, self._chunks = message, chunks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self._message)

    def data_received(self, data: bytes) -> None:
        self._chunks[0] += data.count(b'"delta"')


async def streams(url: str, key: str, seconds: float) -> dict[str, float]:
    """Chunks per second of 500 streams that bring one every 20 ms. `seconds` is not used: a stream has its length."""
    del seconds
    at, loop, chunks = urlsplit(url), asyncio.get_running_loop(), [0]
    messages = [request(url, key, body) for body in bodies(STREAMS, stream=True)]
    began = time.perf_counter()
    for message in messages:
        await loop.create_connection(lambda message=message: _Stream(message, chunks), at.hostname, at.port)
    opened = time.perf_counter() - began
    start, end = _WINDOW
    await asyncio.sleep(max(0.0, start - opened))
    before, since = chunks[0], time.perf_counter()
    await asyncio.sleep(end - start)
    return {"chunks": (chunks[0] - before) / (time.perf_counter() - since), "opened": opened}


def main() -> None:
    """Run what the command line names."""
    mode, url, key, *rest = sys.argv[1:]
    seconds = float(rest[0]) if rest else 2.0
    if mode == "one":
        print(json.dumps(one(url, key, seconds)))
    else:
        print(json.dumps(uvloop.run({"many": many, "streams": streams}[mode](url, key, seconds))))


if __name__ == "__main__":
    main()
