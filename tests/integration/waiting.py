"""Waiting for what is to come to pass, long enough for a machine with a lot else to do."""

import time
from collections.abc import Callable


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    """Return once it holds; AssertionError after that many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"it did not come to pass within {seconds:g} s"
        time.sleep(0.05)
