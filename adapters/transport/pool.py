"""The connections to one replica: how many there are, who uses one next, and when a new one is opened."""

import asyncio
import ssl
from collections import deque
from typing import Final

from adapters.call import Outgoing
from adapters.errors import UpstreamError
from adapters.transport.answer import Answer
from adapters.transport.connection import Connection, Limits, Timeouts
from adapters.transport.origin import Origin, tls_context


class Pool:
    """Keep-alive connections to one replica, used by the tasks of one event loop.

    `open` counts connections, idle and busy and being opened. The one used last is used first, so that the
    others grow old and close. When all are busy, callers wait in the order they came.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Raises ValueError where `base_url` is none. Without `tls`, https is checked against the system's
        authorities."""
        self._origin: Final = Origin.parse(base_url)
        self._timeouts: Final = timeouts or Timeouts()
        self._limits: Final = limits or Limits()
        self._tls: Final = (tls or tls_context()) if self._origin.tls else None
        self.open = 0
        self._idle: dict[Connection, None] = {}  # the youngest is last
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._closed = False

    @property
    def idle(self) -> int:
        """Connections that carry nothing."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """Callers that wait for a connection."""
        return len(self._waiters)

    async def exchange(self, outgoing: Outgoing, *, timeouts: Timeouts | None = None) -> Answer:
        """Send a request, once; return when the final status line and headers are there.

        Raises UpstreamError. Where the waiting task is cancelled, the connection is closed at once.
        """
        timeouts = timeouts or self._timeouts
        head = self._origin.head(outgoing)
        connection = self._take_idle()
        if connection is not None:
            end = connection.loop.time() + timeouts.total
        else:
            end = asyncio.get_running_loop().time() + timeouts.total
            connection = await self._acquire(timeouts, end)
        head_only = outgoing.method == b"HEAD"
        return await connection.exchange(head, outgoing.body, head_only=head_only, timeouts=timeouts, end=end)

    async def aclose(self) -> None:
        """Close what is idle and turn away who waits. Answers under way run on, and close behind them."""
        self._closed = True
        for connection in list(self._idle):
            connection.close()
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(self._refused())
        await asyncio.sleep(0)  # the loop closes the sockets of aborted connections on its next round

    # The connections' side.

    def freed(self, connection: Connection) -> None:
        """A connection has carried its exchange: the first who waits has it."""
        if self._closed:
            connection.close()
            return
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(connection)
        else:
            self._idle[connection] = None

    def gone(self, connection: Connection) -> None:
        """A connection is closed: the first who waits may open another."""
        self._idle.pop(connection, None)
        self._vacate()

    # How a caller gets a connection.

    def _take_idle(self) -> Connection | None:
        """The idle connection used last; those the replica closed meanwhile are dropped."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.fresh():
                return connection
            connection.close()
        return None

    async def _acquire(self, timeouts: Timeouts, end: float) -> Connection:
        """A connection where none is idle: a new one while the limit allows, else the next that is freed."""
        if self._closed:
            raise self._refused()
        if self.open < self._limits.connections:
            self.open += 1
            return await self._connect(timeouts, end)
        connection = await self._wait(timeouts, end)
        if connection is None:
            return await self._connect(timeouts, end)
        if connection.fresh():
            return connection
        connection.close()  # it was closed on the way here, which is also what makes room for a new one
        return self._take_idle() or await self._acquire(timeouts, end)

    async def _wait(self, timeouts: Timeouts, end: float) -> Connection | None:
        """A freed connection, or None: the right (already counted in `open`) to open one."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Connection | None] = loop.create_future()
        self._waiters.append(waiter)
        pool_end = loop.time() + timeouts.pool
        try:
            async with asyncio.timeout_at(min(pool_end, end)):
                return await waiter
        except BaseException as error:
            self._withdraw(waiter)
            if isinstance(error, TimeoutError):
                kind: Final = "pool_timeout" if pool_end <= end else "total_timeout"
                message = (
                    f"all {self._limits.connections} connections to {self._origin.authority} stayed busy"
                )
                raise UpstreamError(kind, message, sent=False) from None
            raise

    def _withdraw(self, waiter: asyncio.Future[Connection | None]) -> None:
        """A caller stops waiting: what it was given at the last moment goes to the next."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)
        elif waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            connection = waiter.result()
            if connection is None:
                self._vacate()
            elif not connection.closed:
                self.freed(connection)

    async def _connect(self, timeouts: Timeouts, end: float) -> Connection:
        """Open a connection that is already counted in `open`."""
        loop = asyncio.get_running_loop()
        origin = self._origin
        connect_end = loop.time() + timeouts.connect
        try:
            async with asyncio.timeout_at(min(connect_end, end)):
                _, connection = await loop.create_connection(
                    lambda: Connection(loop, origin.authority, self._limits),
                    origin.host,
                    origin.port,
                    ssl=self._tls,
                    server_hostname=origin.host if origin.tls else None,
                )
            if not connection.adopt(self):
                raise ConnectionResetError  # noqa: TRY301  # translated below, as any other refusal
        except BaseException as error:
            self._vacate()
            if isinstance(error, TimeoutError):
                kind: Final = "connect_timeout" if connect_end <= end else "total_timeout"
                raise UpstreamError(
                    kind, f"no connection to {origin.authority} in time", sent=False
                ) from None
            if isinstance(error, OSError):
                raise UpstreamError(
                    "connect", f"no connection to {origin.authority}: {error}", sent=False
                ) from error
            raise
        return connection

    def _vacate(self) -> None:
        """One connection less: the first who waits may open one in its place."""
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(None)
        else:
            self.open -= 1

    def _next_waiter(self) -> asyncio.Future[Connection | None] | None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    def _refused(self) -> UpstreamError:
        return UpstreamError("connect", f"the pool for {self._origin.authority} is closed", sent=False)
