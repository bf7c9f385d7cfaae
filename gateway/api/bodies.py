"""A request's body, put together of the parts it arrived in: a long one without holding the loop.

To copy it takes half a millisecond a megabyte and more, nearly all of it the kernel's, that has to find the memory; and
so does to let go of it. `bytes.join` lets other threads run meanwhile.
"""

import asyncio
from typing import Final

AT_ONCE: Final = 1024 * 1024  # bytes; `bytes.join` keeps others waiting up to here, too
_LET_GO: Final = 8  # parts at a time; a read of the socket brings a quarter of a megabyte at most


async def joined(parts: list[bytes], size: int) -> bytes:
    """The body of so many bytes. The parts are let go."""
    if size <= AT_ONCE:
        return b"".join(parts)
    body = await asyncio.to_thread(b"".join, parts)
    while parts:
        del parts[-_LET_GO:]
        await asyncio.sleep(0)
    return body
