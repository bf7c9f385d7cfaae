"""A large body on its way in leaves others their turn: uvloop itself would read eight megabytes before any other."""

import asyncio
import socket
import threading

import uvloop
from uvicorn import Config
from uvicorn.server import ServerState

from gateway.api.direct import DirectApplication, DirectExchange
from gateway.api.protocol import EdgeLimits, HardenedProtocol

SIZE = 12_000_000
READ = 256_000  # bytes that uvloop asks the kernel for


class Watching(DirectApplication):
    """Notes by how much its requests' bodies grew from one turn of its own to the next."""

    def __init__(self) -> None:
        self.grown: list[int] = []
        self.bodies: list[bytes] = []

    def path_of(self, target: bytes) -> str | None:
        return target.decode()

    def identity(self) -> str:
        return "one"

    async def serve_directly(self, exchange: DirectExchange) -> None:
        body = asyncio.ensure_future(exchange.body(SIZE, 20.0))
        before = 0
        while not body.done():
            await asyncio.sleep(0)
            self.grown.append(exchange._size - before)
            before = exchange._size
        self.bodies.append(await body)
        await exchange.start(200, ((b"content-length", b"0"),))
        await exchange.end()
        exchange.stop_watching()


async def _serve(application: Watching, content: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    config = Config(application, interface="asgi3", proxy_headers=False, log_config=None)  # type: ignore[arg-type]  # it is never called as ASGI
    server = await loop.create_server(
        lambda: HardenedProtocol(EdgeLimits(), config=config, server_state=ServerState(), app_state={}),
        "127.0.0.1",
        0,
    )
    with socket.create_connection(server.sockets[0].getsockname()) as client:
        head = b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(content)
        sender = threading.Thread(target=client.sendall, args=(head + content,))
        sender.start()
        answer = await asyncio.to_thread(client.recv, 100)
        sender.join()
    server.close()
    await asyncio.sleep(0.01)
    return answer


def test_no_more_than_a_read_or_two_come_at_a_time() -> None:
    application, content = Watching(), bytes(range(250)) * (SIZE // 250)
    answer = uvloop.run(_serve(application, content))
    assert answer.startswith(b"HTTP/1.1 200")
    assert application.bodies == [content]
    assert max(application.grown) <= 2 * READ
