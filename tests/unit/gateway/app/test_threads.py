"""Who waits for the interpreter while a thread works does not wait for Python's own five milliseconds."""

import sys

from gateway.app import threads


def test_turns_are_short() -> None:
    before = sys.getswitchinterval()
    try:
        threads.settle()
        assert sys.getswitchinterval() <= 0.001
    finally:
        sys.setswitchinterval(before)
