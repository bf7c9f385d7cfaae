"""One uvicorn on one socket, with Weir's own edge in front of it."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final, Self

import uvicorn

from gateway.api.asgi import Application
from gateway.api.protocol import EdgeLimits, serve_protocol

KEEP_ALIVE_SECONDS: Final = (
    75  # longer than SDKs keep an idle connection, so that none closes under their hands
)


class Server:
    """One uvicorn on one socket, run as a task and stopped by its owner."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket) -> None:
        self._server = server
        self._listener = listener
        self._task = asyncio.get_running_loop().create_task(self._server.serve([listener]))
        host, port = listener.getsockname()[:2]
        self.url: Final = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @classmethod
    async def open(
        cls, application: Application, host: str, port: int, grace: float, header_timeout: float
    ) -> Self:
        """Listen and be ready. Raises OSError, which names the address, where the port is taken."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
        except OSError as error:
            listener.close()
            why = f"cannot listen on {host}:{port}: {(error.strerror or str(error)).lower()}"
            raise OSError(error.errno, why) from None
        config = uvicorn.Config(
            application,
            http=serve_protocol(EdgeLimits(header_seconds=header_timeout)),
            interface="asgi3",
            ws="none",
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            backlog=4096,
            timeout_graceful_shutdown=int(grace),
        )
        server = _QuietServer(config)
        opened = cls(server, listener)
        while not server.started:
            if opened._task.done():  # its own
                await opened._task  # raises why it did not start
            await asyncio.sleep(0.005)
        return opened

    async def stop(self) -> None:
        """Close the port, and wait for the exchanges under way."""
        self._server.should_exit = True
        await self._task
        self._listener.close()


class _QuietServer(uvicorn.Server):
    """A server that leaves the process's signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
