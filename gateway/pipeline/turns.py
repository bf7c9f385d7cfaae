"""Long work on the loop, done by turns with all else that is to be done there."""

import asyncio
import math
import time
from collections.abc import Generator
from typing import Final, TypeVar

SLICE_SECONDS: Final = 0.001  # work done before other requests have their turn,
_SHORT_SECONDS: Final = 0.00025  # and where theirs took longer than that: they may be slices, too

_Found = TypeVar("_Found")


async def by_turns(slices: Generator[None, None, _Found], limit: float = math.inf) -> _Found:
    """Do long work a slice at a time, so that one long prompt never holds up the others. Raises TimeoutError where
    it takes more than `limit` seconds of its own, in what it yields between; a request of few slices is not timed."""
    handed_back = time.perf_counter()
    slice_seconds = SLICE_SECONDS
    spent = 0.0
    while True:
        try:
            next(slices)
        except StopIteration as done:
            found: _Found = done.value
            return found
        now = time.perf_counter()
        took = now - handed_back
        if took > slice_seconds:
            spent += took
            if spent > limit:
                slices.close()
                raise TimeoutError
            await asyncio.sleep(0)
            handed_back = time.perf_counter()
            slice_seconds = SLICE_SECONDS if handed_back - now < SLICE_SECONDS else _SHORT_SECONDS
