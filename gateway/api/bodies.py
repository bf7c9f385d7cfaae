"""A request's body, put together of the parts it arrived in, and an answer's in slices: long ones without holding the
loop.

To copy it takes half a millisecond a megabyte and more, nearly all of it the kernel's, that has to find the memory; and
so does to let go of it. `bytes.join` lets other threads run meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

AT_ONCE: Final = 1024 * 1024  # bytes; `bytes.join` keeps others waiting up to here, too
SLICE: Final = 128 * 1024  # bytes of an answer that are written at a time
_LET_GO: Final = 8  # parts at a time; a read of the socket brings a quarter of a megabyte at most


async def all_but_the_last(data: bytes, send: Callable[[bytes], Awaitable[None]]) -> bytes:
    """Send a long answer a slice at a time, and let others have their turn meanwhile; its last slice is left."""
    at = 0
    while len(data) - at > SLICE:
        await send(data[at : at + SLICE])
        at += SLICE
        await asyncio.sleep(0)  # the kernel may have taken it at once, and would take megabytes
    return data[at:]


async def joined(parts: list[bytes], size: int) -> bytes:
    """The body of so many bytes. The parts are let go."""
    if size <= AT_ONCE:
        return b"".join(parts)
    body = await asyncio.to_thread(b"".join, parts)
    while parts:
        del parts[-_LET_GO:]
        await asyncio.sleep(0)
    return body
