"""Has Python's threads take turns often: large bodies are read and rewritten in one."""

import sys
from typing import Final

_TURN_SECONDS: Final = 0.0005  # Python's own five milliseconds would be a pause for every request


def settle() -> None:
    """From now on, whoever waits for the interpreter has it within half a millisecond, unless a C call holds it."""
    sys.setswitchinterval(_TURN_SECONDS)
