"""One HTTP answer on its way in: what its reader sees, and what its connection tells it."""

import asyncio
from types import TracebackType
from typing import Final, Protocol, Self

from adapters.call import Headers
from adapters.errors import Failure, UpstreamError

_ALL: Final = 1 << 40  # bytes


class Source(Protocol):
    """Where an answer comes from: its connection."""

    loop: asyncio.AbstractEventLoop

    def give_up(self, answer: "Answer") -> None:
        """Close, if this answer is still arriving."""

    def caught_up(self, answer: "Answer") -> None:
        """The reader has taken everything that arrived."""


class Answer:
    """One HTTP answer: `status` and `headers` (names in lower case), and a body that is read as it arrives.

    One task reads. Where that task is cancelled while it waits, the call is given up and its connection
    closed. The caller closes the answer in every case (`async with`): an open answer holds a connection.
    """

    __slots__ = ("_chunks", "_complete", "_connection", "_failure", "_waiter", "headers", "status", "unread")

    def __init__(self, connection: "Source") -> None:
        self.status = 0
        self.headers: Headers = ()
        self.unread = 0  # bytes that arrived and were not taken
        self._connection = connection
        self._chunks: list[bytes] = []
        self._complete = False
        self._failure: tuple[Failure, str] | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def read(self, most: int = _ALL) -> bytes:
        """All that arrived since the last read, as one object; `b""` at the proper end and ever after. Where that is
        more than `most` bytes, about as many of them, once others have had their turn. Raises UpstreamError, once the
        bytes before the failure have been read."""
        while not self._chunks:
            if self.settled():
                return b""
            try:
                await self.news()
            except asyncio.CancelledError:
                self._connection.give_up(self)
                raise
        if self.unread > most:
            return await self._some(most)
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self.unread = 0
        self._connection.caught_up(self)
        return data

    async def _some(self, most: int) -> bytes:
        """The next bytes of many; the rest stays."""
        await asyncio.sleep(0)
        chunks, size, count = self._chunks, 0, 0
        for chunk in chunks:
            size += len(chunk)
            count += 1
            if size >= most:
                break
        data = b"".join(chunks[:count])
        if size > most:
            chunks[:count] = [data[most:]]
            data = data[:most]
        else:
            del chunks[:count]
        self.unread -= len(data)
        return data

    async def aclose(self) -> None:
        """Give up what has not arrived: an answer that is not complete costs its connection. Idempotent."""
        self._connection.give_up(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.give_up(self)

    # The connection's side.

    async def news(self) -> None:
        """Wait until the connection has something to tell."""
        waiter = self._connection.loop.create_future()
        self._waiter = waiter
        try:
            await waiter
        finally:
            self._waiter = None

    def wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def settled(self) -> bool:
        """Whether everything has arrived. Raises UpstreamError where the rest never will."""
        if self._failure is not None:
            failure, message = self._failure
            raise UpstreamError(failure, message, sent=True)
        return self._complete

    def begin(self, status: int, headers: Headers) -> None:
        self.status = status
        self.headers = headers

    def arrived(self, data: bytes) -> None:
        self._chunks.append(data)
        self.unread += len(data)

    def finish(self) -> None:
        self._complete = True
        self.wake()

    def fail(self, failure: Failure, message: str) -> None:
        self._failure = (failure, message)
        self.wake()
