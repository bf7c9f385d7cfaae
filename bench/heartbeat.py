"""A heartbeat on an event loop: what lies between two beats is a pause that every request would have felt."""

import asyncio
import contextlib
import faulthandler
import os
import signal
import time
from dataclasses import dataclass


@dataclass(slots=True)
class Heartbeat:
    """Beats on the loop, always; notes the most that lay between two beats since `reset`, in seconds."""

    longest: float = (
        0.0  # by the clock, less what the loop's thread waited for a processor, where the kernel says
    )
    thread: float = 0.0  # of the loop's own thread's CPU
    process: float = 0.0  # of the process's
    traced: float = 0.0  # of CPU between two beats, after which all stacks go to standard error; 0: never
    _last: tuple[float, float, float] = (0.0, 0.0, 0.0)
    _waits: int | None = None  # the file that says how long it waited
    _on: bool = True

    def begin(self) -> None:
        """Beat from now on, on the loop that runs."""
        if self.traced:
            faulthandler.register(signal.SIGPROF, all_threads=True)
        with contextlib.suppress(OSError):  # another system than Linux
            self._waits = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
        self.reset()
        self.beat()

    def beat(self) -> None:
        """One beat; asks for the next."""
        wall, thread, process = self._now()
        before = self._last
        self.longest = max(self.longest, wall - before[0])
        self.thread = max(self.thread, thread - before[1])
        self.process = max(self.process, process - before[2])
        if self._on:
            asyncio.get_running_loop().call_soon(self.beat)
        if self.traced:
            signal.setitimer(signal.ITIMER_PROF, self.traced if self._on else 0)
        self._last = self._now()

    def reset(self) -> None:
        """Forget the pauses so far."""
        self.longest = self.thread = self.process = 0.0
        self._last = self._now()

    def stop(self) -> None:
        """Beat no more."""
        self._on = False
        if self.traced:
            signal.setitimer(signal.ITIMER_PROF, 0)
        if self._waits is not None:
            os.close(self._waits)
            self._waits = None

    def _now(self) -> tuple[float, float, float]:
        return time.perf_counter() - self._waited(), time.thread_time(), time.process_time()

    def _waited(self) -> float:
        """For how many seconds so far the loop's thread could have run, and others had the processors."""
        return 0.0 if self._waits is None else int(os.pread(self._waits, 64, 0).split()[1]) / 1e9
