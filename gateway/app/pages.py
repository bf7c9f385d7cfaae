"""Fetches metrics pages over Weir's own client: no proxy, no redirect, nothing larger than a page can be."""

from collections.abc import Awaitable, Callable
from typing import Final

from adapters.call import Outgoing
from adapters.transport import Pool

LARGEST_PAGE: Final = 4 * 1024 * 1024  # bytes


def page(pool: Pool, path: bytes) -> Callable[[], Awaitable[bytes]]:
    """How to get one page again and again. Raises UpstreamError, and OSError for another answer than 200."""
    outgoing = Outgoing(b"GET", path, ((b"accept", b"*/*"),), b"")

    async def fetch() -> bytes:
        async with await pool.exchange(outgoing) as answer:
            parts, size = [], 0
            while data := await answer.read():
                parts.append(data)
                size += len(data)
                if size > LARGEST_PAGE:
                    raise OSError(f"{path.decode()} is larger than a metrics page can be")
            if answer.status != 200:
                raise OSError(f"{path.decode()} answered {answer.status}")
            return b"".join(parts)

    return fetch
