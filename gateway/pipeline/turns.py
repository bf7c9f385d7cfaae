"""Long work on the loop, done by turns with all else that is to be done there."""

import asyncio
import math
import time
from collections.abc import Generator
from typing import Final, TypeVar

SLICE_SECONDS: Final = 0.001  # work done before other requests have their turn

_Found = TypeVar("_Found")


async def by_turns(slices: Generator[None, None, _Found], limit: float = math.inf) -> _Found:
    """Do long work a slice at a time, so that one long prompt never holds up the others. Raises TimeoutError where
    it takes more than `limit` seconds of its own, in what it yields between; a request of few slices is not timed."""
    handed_back = time.perf_counter()
    spent = 0.0
    while True:
        try:
            next(slices)
        except StopIteration as done:
            found: _Found = done.value
            return found
        took = time.perf_counter() - handed_back
        if took > SLICE_SECONDS:
            spent += took
            if spent > limit:
                slices.close()
                raise TimeoutError
            await asyncio.sleep(0)
            handed_back = time.perf_counter()
