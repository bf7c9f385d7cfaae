"""Clients that ask without end while a test does something to whom they ask."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any


@asynccontextmanager
async def under_load(clients: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """All of them ask meanwhile; one that ends by itself has failed."""
    tasks = [asyncio.create_task(client) for client in clients]
    try:
        yield
        assert not any(task.done() for task in tasks), [task for task in tasks if task.done()]
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
