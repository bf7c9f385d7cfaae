"""A heartbeat on an event loop: what lies between two beats is a pause that every request would have felt."""

import asyncio
import faulthandler
import signal
import time
from dataclasses import dataclass


@dataclass(slots=True)
class Heartbeat:
    """Beats on the loop, always; notes the most that lay between two beats since `reset`, in seconds."""

    longest: float = 0.0  # by the clock
    thread: float = 0.0  # of the loop's own thread's CPU
    process: float = 0.0  # of the process's
    traced: float = 0.0  # of CPU between two beats, after which all stacks go to standard error; 0: never
    _last: tuple[float, float, float] = (0.0, 0.0, 0.0)
    _on: bool = True

    def begin(self) -> None:
        """Beat from now on, on the loop that runs."""
        if self.traced:
            faulthandler.register(signal.SIGPROF, all_threads=True)
        self.reset()
        self.beat()

    def beat(self) -> None:
        """One beat; asks for the next."""
        wall, thread, process = _now()
        before = self._last
        self.longest = max(self.longest, wall - before[0])
        self.thread = max(self.thread, thread - before[1])
        self.process = max(self.process, process - before[2])
        if self._on:
            asyncio.get_running_loop().call_soon(self.beat)
        if self.traced:
            signal.setitimer(signal.ITIMER_PROF, self.traced if self._on else 0)
        self._last = _now()

    def reset(self) -> None:
        """Forget the pauses so far."""
        self.longest = self.thread = self.process = 0.0
        self._last = _now()

    def stop(self) -> None:
        """Beat no more."""
        self._on = False
        if self.traced:
            signal.setitimer(signal.ITIMER_PROF, 0)


def _now() -> tuple[float, float, float]:
    return time.perf_counter(), time.thread_time(), time.process_time()
