"""Requests that arrive together take each step together, so that its code is still in the processor's caches.

One request runs through more code than a core's nearest caches hold. Where each is taken to its end before the next
begins, every step of every request finds them cold; step by step, only the first of a wave does (ADR 10).
"""

from collections.abc import Generator
from typing import Final


class Waves:
    """Counts the requests under way. `await waves` lets the others come up to the same step; a request that is alone
    goes on at once."""

    __slots__ = ("under_way",)

    def __init__(self) -> None:
        self.under_way = 0

    def __await__(self) -> Generator[None, None, None]:
        if self.under_way > 1:
            yield


ALONE: Final = Waves()  # for whoever takes one request at a time: nobody counts in it
