"""A scripted server on 127.0.0.1: each test says, in raw bytes, what a replica does."""

import asyncio
import contextlib
import ssl

import pytest
import uvloop

from adapters.call import Outgoing
from adapters.transport import Pool, Timeouts

PATIENT = Timeouts(connect=10, first_byte=10, idle=10, total=20, pool=10)


def pytest_asyncio_loop_factories(config, item):
    """Every test runs on both event loops: the one production has, and Python's own."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Peer:
    """The server's end of one connection, as a script sees it."""

    def __init__(self, reader, writer, replica):
        self.reader, self.writer, self.replica = reader, writer, replica

    async def request(self):
        """The next request's head and body; both are kept in the replica."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        body = await self.reader.readexactly(length)
        self.replica.requests.append((head, body))
        return head, body

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def sent_apart(self, *pieces):
        """Send pieces so that each arrives by itself."""
        for piece in pieces:
            await self.send(piece)
            await asyncio.sleep(0.005)

    async def closed_by_client(self):
        """Wait until the client closes; whatever it sends until then is thrown away."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        self.replica.closings.set()


class Replica:
    def __init__(self):
        self.port = 0
        self.connections = 0
        self.requests = []
        self.closings = asyncio.Event()  # set when a script saw the client close

    @contextlib.asynccontextmanager
    async def pool(self, *, path="", host="127.0.0.1", tls=None, **settings):
        scheme = "https" if tls else "http"
        settings.setdefault("timeouts", PATIENT)
        pool = Pool(f"{scheme}://{host}:{self.port}{path}", tls=tls, **settings)
        try:
            yield pool
        finally:
            await pool.aclose()

    @staticmethod
    async def until(condition):
        """Wait for something the loop will do soon; the test's own time limit bounds it."""
        while not condition():  # noqa: ASYNC110  # there is no event for what the test looks at
            await asyncio.sleep(0.001)

    @staticmethod
    def post(body=b"{}", path=b"/v1/chat/completions", headers=()):
        return Outgoing(b"POST", path, tuple(headers), body)

    async def fetch(self, pool, outgoing=None, timeouts=None):
        """One exchange read to its end: status and body."""
        parts = []
        async with await pool.exchange(outgoing or self.post(), timeouts=timeouts) as answer:
            while data := await answer.read():
                parts.append(data)
            assert await answer.read() == b""
            return answer.status, b"".join(parts)


def _answering(*replies):
    """Answer each request on a connection with the next reply, the last one for ever."""

    async def script(peer):
        at = 0
        while True:
            await peer.request()
            await peer.send(replies[min(at, len(replies) - 1)])
            at += 1

    return script


@pytest.fixture
async def serve():
    """`await serve(script)` or `await serve(b"reply", …)` starts a replica."""
    servers, tasks = [], set()

    async def start(*script, tls=None, host="127.0.0.1"):
        replica = Replica()
        act = script[0] if callable(script[0]) else _answering(*script)

        async def handle(reader, writer):
            replica.connections += 1
            tasks.add(asyncio.current_task())
            try:
                await act(Peer(reader, writer, replica))
            except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, asyncio.CancelledError):
                pass  # the client is gone, or the test is over
            finally:
                tasks.discard(asyncio.current_task())
                writer.transport.abort()

        server = await asyncio.start_server(handle, host, 0, ssl=tls)
        servers.append(server)
        replica.port = server.sockets[0].getsockname()[1]
        return replica

    yield start
    for server in servers:
        server.close()
    for task in list(tasks):
        task.cancel()
    if tasks:
        await asyncio.wait(list(tasks), timeout=5)
    await asyncio.sleep(0.005)  # aborted sockets close on the loop's next rounds
