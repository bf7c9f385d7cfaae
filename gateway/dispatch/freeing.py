"""What was large is freed by turns: the kernel takes a tenth of a millisecond and more to take a megabyte back."""

import asyncio
from typing import Final

from adapters import longtext
from adapters.document import Body, Pieces

_PARTS: Final = 4  # of a large body that are freed at a time: a megabyte


async def let_go(held: list[bytes]) -> None:
    """Free what is in the list; nobody else may hold it."""
    long: list[str | bytes] = [*held]
    held.clear()
    for _ in longtext.let_go(long):
        await asyncio.sleep(0)


async def let_go_parts(body: Body) -> None:
    """Free a large body that was sent, a few of its parts at a time."""
    parts = body.parts if isinstance(body, Pieces) else ()
    while parts and isinstance(parts, list):
        del parts[-_PARTS:]
        await asyncio.sleep(0)
