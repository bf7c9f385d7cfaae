"""The mock upstream: as little as can answer like vLLM, so that the proxies in front of it are what is measured.

    python -m bench.gateway.upstream PORT

A plain request gets one fixed answer with its usage, or one of as many megabytes as it asks for (`asking_for`), if it
says so in one JSON object though it is streamed; one for Anthropic's API gets a short message. A
streamed one gets a chunk every 20 ms; one timer serves all streams, in ten groups, so that hundreds cost no more
than their writes. GET /metrics is an idle engine's page.
"""

import asyncio
import re
import sys
from functools import lru_cache
from typing import Final, cast

import httptools
import uvloop

from gateway.sandbox.engine import Engine
from gateway.sandbox.exposition import EngineMetrics

MODEL: Final = "bench"
CHUNK_EVERY: Final = 0.020  # seconds
CHUNKS: Final = 300  # of one stream: 6 seconds
_GROUPS: Final = 10

_SAID: Final = b"All work and no play makes a dull gateway. "
_ANSWER: Final = (
    b'{"id":"chatcmpl-bench","object":"chat.completion","created":1795217973,"model":"bench","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"' + _SAID * 8 + b'",'
    b'"refusal":null,"annotations":null,"audio":null,"function_call":null,"reasoning":null},"logprobs":null,'
    b'"finish_reason":"stop","stop_reason":null}],"usage":{"prompt_tokens":210,"total_tokens":282,'
    b'"completion_tokens":72,"prompt_tokens_details":{"cached_tokens":0}}}'
)
_LOOKED_AT: Final = 1024  # bytes of a request
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
)


_MESSAGE: Final = (
    b'{"id":"msg_bench","type":"message","role":"assistant","model":"bench","content":[{"type":"text","text":"Yes."}],'
    b'"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":210,"output_tokens":2}}'
)
_ASKED: Final = re.compile(rb"Answer( whole)? in (\d+) MB").search
_FILE: Final = (
    b'{"id":"file-bench","object":"file","bytes":1,"created_at":1795217973,"filename":"notes.txt",'
    b'"purpose":"user_data","status":"processed"}'
)


def asking_for(megabytes: int, *, whole: bool = False) -> str:
    """What a prompt begins with to be answered at that length; `whole`: in one JSON object, also where it is
    streamed."""
    return f"Answer{' whole' * whole} in {megabytes} MB"


def _event(choices: bytes, rest: bytes = b"") -> bytes:
    return (
        b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1795217975,"model":"bench",'
        b'"choices":[%b]%b}\n\n' % (choices, rest)
    )


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


_CHUNK: Final = _chunked(
    _event(b'{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null,"token_ids":null}')
)
_END: Final = (
    _chunked(_event(b'{"index":0,"delta":{"content":""},"finish_reason":"stop","stop_reason":null}'))
    + _chunked(
        _event(
            b"",
            b',"usage":{"prompt_tokens":210,"total_tokens":%d,"completion_tokens":%d}'
            % (210 + CHUNKS, CHUNKS),
        )
    )
    + _chunked(b"data: [DONE]\n\n")
    + b"0\r\n\r\n"
)


def _whole(answer: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(answer) + answer


@lru_cache
def _long(megabytes: int, *, streamed: bool) -> list[bytes]:
    """An answer of that length, or a stream that says all of it in one event."""
    said = _SAID * (megabytes * 1024 * 1024 // len(_SAID))
    if not streamed:
        return [_whole(_ANSWER.replace(_SAID * 8, said))]
    event = _event(b'{"index":0,"delta":{"content":"%b"},"logprobs":null,"finish_reason":null}' % said)
    return [_HEAD, _chunked(event), _END]


class Ticker:
    """Writes a chunk to every stream each 20 ms, a tenth of the streams every 2 ms."""

    def __init__(self) -> None:
        self._groups: list[dict[Connection, int]] = [{} for _ in range(_GROUPS)]
        self._next = 0

    def add(self, connection: "Connection") -> None:
        """Begin a stream."""
        self._groups[self._next][connection] = CHUNKS
        self._next = (self._next + 1) % _GROUPS

    def drop(self, connection: "Connection") -> None:
        """Its client left."""
        for group in self._groups:
            group.pop(connection, None)

    async def run(self) -> None:
        """Tick for ever, without drift. What a stall made it miss it does not make up for: a burst would count for more
        than all streams are due."""
        loop = asyncio.get_running_loop()
        due, turn = loop.time(), 0
        while True:
            due = max(due + CHUNK_EVERY / _GROUPS, loop.time() - CHUNK_EVERY)
            await asyncio.sleep(max(0.0, due - loop.time()))
            self._tick(self._groups[turn])
            turn = (turn + 1) % _GROUPS

    @staticmethod
    def _tick(group: "dict[Connection, int]") -> None:
        for connection, left in tuple(group.items()):
            if left > 0:
                connection.transport.write(_CHUNK)
                group[connection] = left - 1
            else:
                connection.transport.write(_END)
                del group[connection]


class Connection(asyncio.Protocol):
    """One keep-alive connection of a proxy."""

    def __init__(self, ticker: Ticker, page: bytes) -> None:
        self._ticker = ticker
        self._page = page
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._url = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self._ticker.drop(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        body = b"".join(self._body)
        self._body = []
        streamed = b'"stream":true' in body or b'"stream": true' in body
        asked = _ASKED(body, 0, _LOOKED_AT)
        if self._url.endswith(b"/files"):
            self.transport.write(_whole(_FILE))
        elif asked is not None:
            self.transport.writelines(_long(int(asked[2]), streamed=streamed and not asked[1]))
        elif self._url.endswith(b"/messages"):
            self.transport.write(_whole(_MESSAGE))
        elif self._parser.get_method() == b"GET":
            self.transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(self._page), self._page)
            )
        elif streamed:
            self.transport.write(_HEAD)
            self._ticker.add(self)
        else:
            self.transport.write(_whole(_ANSWER))


async def _serve(port: int) -> None:
    metrics = EngineMetrics(MODEL, max_model_len=131_072)
    metrics.watch(Engine(metrics))
    page, ticker = metrics.text(), Ticker()
    page += page.replace(b"vllm:", b"other:")  # a real page has twice as many series: 70 KB
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(ticker, page), "127.0.0.1", port, backlog=4096
    )
    async with server:
        await ticker.run()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
