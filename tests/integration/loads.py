"""Clients that ask without end while a test does something to whom they ask."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any


async def until(holds: Callable[[], object], seconds: float = 120) -> None:
    """Return once it holds, however long a busy machine takes for the load that a test wants; `holds` may read a
    database."""
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110  # a database tells nobody
            await asyncio.sleep(0.02)


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
