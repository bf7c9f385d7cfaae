"""Has Python's threads take turns often: large bodies are read and rewritten in one."""

import sys
from typing import Final

# Python's own five milliseconds would be a pause for every request. A round of the loop asks for the interpreter once
# for each socket that has something to say, and waits as long each time.
_TURN_SECONDS: Final = 0.0002


def settle() -> None:
    """From now on, whoever waits for the interpreter has it within 0.2 ms, unless a call into C holds it."""
    sys.setswitchinterval(_TURN_SECONDS)
