"""Large requests are made ready without Python's cycle collector: it would walk all of each again and again, and hold
every thread meanwhile."""

import gc
import threading


class Undisturbed:
    """Entered by whoever works on something large, on any thread. One per process, since the collector is one: it runs
    again when the last has left, if it ran before the first came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._ran = False

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._ran = gc.isenabled()
                gc.disable()
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._ran:
                gc.enable()
