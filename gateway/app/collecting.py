"""Keeps Python's cycle collector from holding the loop: it runs when nobody waits.

A full collection walks every object that is alive: 13 to 27 ms once a second under load, and 135 ms at the
start. Almost all of what a request makes goes by reference counts; what is left waits for a quiet moment. What became
garbage young goes once a minute; for what had grown old, everything is walked, which was 32 ms where a gateway held a
hundred thousand objects: twice an hour is enough.
"""

import asyncio
import gc
from collections.abc import Callable
from typing import Final

_YOUNG: Final = 10_000  # more objects made than freed, before the youngest are looked through
_YOUNG_SECONDS: Final = 60  # between two collections of what is young, while it is quiet
_ALL_SECONDS: Final = 1800  # between two full ones
_PATIENCE_SECONDS: Final = 3600  # after which a full one runs though it is not quiet
_MIDDLE: Final = 1  # generations, as `gc` counts them
_OLDEST: Final = 2


def settle() -> None:
    """Leave what was made at the start alone for good, and collect fully only when `collect_in_quiet` says so."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 50, 1_000_000)


class Rhythm:
    """When to collect what."""

    def __init__(self) -> None:
        self._since_young = self._since_all = 0  # seconds

    def second(self, *, busy: bool) -> int | None:
        """One more has passed: the oldest generation to collect now, if any."""
        self._since_young += 1
        self._since_all += 1
        if self._since_all >= (_PATIENCE_SECONDS if busy else _ALL_SECONDS):
            self._since_young = self._since_all = 0
            return _OLDEST
        if self._since_young >= _YOUNG_SECONDS and not busy:
            self._since_young = 0
            return _MIDDLE
        return None


async def collect_in_quiet(busy: Callable[[], bool]) -> None:
    """Collect at moments when no request is under way, for as long as the task lives."""
    rhythm = Rhythm()
    while True:
        await asyncio.sleep(1)
        generation = rhythm.second(busy=busy())
        if generation is not None:
            gc.collect(generation)
