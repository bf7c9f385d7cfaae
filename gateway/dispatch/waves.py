"""Requests that arrive together take each step together, so that its code is still in the processor's caches.

One request runs through more code than a core's nearest caches hold. Where each is taken to its end before the next
begins, every step of every request finds them cold; step by step, only the first of a wave does (ADR 10).
"""

from collections.abc import Generator
from typing import Final

_AT_ONCE: Final = ()
_AFTER_THE_OTHERS: Final = (None,)  # what a task gives the loop to be called again in its turn


class Waves:
    """Counts the requests under way. `await waves` lets the others come up to the same step; a request that is alone
    goes on at once."""

    __slots__ = ("under_way",)

    def __init__(self) -> None:
        self.under_way = 0

    def __await__(self) -> Generator[None, None, None]:
        steps = _AFTER_THE_OTHERS if self.under_way > 1 else _AT_ONCE
        return iter(steps)  # type: ignore[return-value]  # as good as a generator to `await`, and made in less time


ALONE: Final = Waves()  # for whoever takes one request at a time: nobody counts in it
