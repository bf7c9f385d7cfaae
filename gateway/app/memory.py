"""Keeps the C library from giving memory back at moments of its own choosing, all of it at once.

glibc learns from the largest piece that was ever freed: behind a request of 20 MB it keeps pieces as large as that
among all others, and gives back 40 MB in one go, which holds the loop for several milliseconds.
"""

import ctypes
from typing import Final

_TRIM_THRESHOLD: Final = -1  # as <malloc.h> has them
_MMAP_THRESHOLD: Final = -3
_APART: Final = (
    192 * 1024
)  # bytes from which a piece has memory of its own; a read of the socket may bring 250 KB
_GIVEN_BACK: Final = (
    2 * 1024 * 1024
)  # free bytes at the end of the heap: a quarter of a millisecond to give back


def settle() -> None:
    """Fix both. Another C library than glibc does as it likes."""
    try:
        tune = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    tune(_MMAP_THRESHOLD, _APART)
    tune(_TRIM_THRESHOLD, _GIVEN_BACK)
