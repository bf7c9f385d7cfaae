"""Where a long loop in a thread lets other threads have their turn, also where that loop is compiled.

The interpreter looks whether another thread waits whenever it enters a function; compiled code never looks.
"""

from typing import Final

OFTEN: Final = 255  # where these bits of a loop's counter are all set, it lets others have their turn


def others() -> None:
    """Their turn, if they wait for it."""
