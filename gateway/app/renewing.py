"""Keeps credentials that expire from expiring, for the backends in force."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from adapters.bedrock import Bedrock
from adapters.call import Backend
from gateway.fleet.aws import Renewing

EVERY: Final = 5.0  # seconds between two looks at what is due


async def renew(backends: Callable[[], Mapping[str, Backend]]) -> None:
    """Renew what is due, for ever."""
    while True:
        for backend in backends().values():
            held = backend.renewed if isinstance(backend, Bedrock) else None
            if isinstance(held, Renewing) and held.due:
                await asyncio.to_thread(held.look)
        await asyncio.sleep(EVERY)
