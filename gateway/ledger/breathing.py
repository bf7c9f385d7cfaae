"""Work beside the event loop without holding it up.

Python runs one thread at a time, and one that computes lets another in only every 5 ms. A thread that works
through many items therefore stops for a moment after each few of them.
"""

import time
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

FEW: Final = 64  # items of some microseconds each: the loop waits for a third of a millisecond
_PAUSE: Final = 0.0002  # seconds: long enough for the waiting thread to wake and take over

_T = TypeVar("_T")


def breathe() -> None:
    """Let other threads run."""
    time.sleep(_PAUSE)


def breathing(items: Iterable[_T]) -> Iterator[_T]:
    """The same items, with a pause after each few."""
    for i, item in enumerate(items, 1):
        yield item
        if i % FEW == 0:
            breathe()
