"""Ships the journal from a process of its own, so that the event loop never waits for its rows.

A thread would share the interpreter's lock with the loop, which would wait for it at every system call of a
request. The process runs at a lower priority: requests come first, and what has to wait is safe in the journal.
If it dies it is started again; if the gateway dies, it ships what was synced and ends.
"""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from gateway.ledger.journal import Journal
from gateway.ledger.shipper import Shipper
from gateway.ledger.stores import open_store

_log = logging.getLogger(__name__)

_NICE: Final = 19  # by how much the process gives way to the gateway
_REPORT: Final = 0.05  # seconds between two reports
_RESTART: Final = 1.0  # seconds before a process that died is started again


class ShipperApart:
    """The gateway's end: tells the process how far the journal is synced, and hears how far it has shipped."""

    def __init__(
        self,
        journal: Journal,
        store: Path | str,
        *,
        now: Callable[[], int],
        keep_segments: int,
        keep_rows: float | None = None,
        alone: bool = False,
    ) -> None:
        self._journal = journal
        self._store = str(store)
        self._now = now  # UTC nanoseconds
        self._keep_segments = keep_segments
        self._keep_rows = keep_rows  # seconds; None: for ever
        self._alone = alone  # no other gateway may use the database
        self._shipped = 0
        self.trouble = ""  # why the store does not take lines just now; empty: it does
        self._caught_up = now()
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="weir-ledger-shipper", daemon=True)
        self._thread.start()

    def lag_seconds(self) -> float:
        """For how long written lines have been waiting to reach the store (0: none wait)."""
        if self._journal.last <= self._shipped:
            self._caught_up = self._now()
            return 0.0
        return max(0.0, (self._now() - self._caught_up) / 1e9)

    def drain(self, timeout: float) -> bool:
        """Have what is synced shipped, and stop. Whether all of it arrived; the rest waits for the next start."""
        self._stop.set()
        self._journal.advanced.set()
        self._thread.join(timeout)
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            self._thread.join()
        return self._shipped >= self._journal.last

    def _run(self) -> None:
        while True:
            try:
                process = self._start()
            except OSError as error:
                self.trouble = f"the process that ships the journal cannot be started: {error.strerror}"
            else:
                self._attend(process)
                self.trouble = "the process that ships the journal ended; it is started again"
            if self._stop.is_set():
                return
            _log.warning("%s", self.trouble)
            self._stop.wait(_RESTART)

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603  # our own module, by our own interpreter
            [sys.executable, "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C at a terminal is the gateway's to answer. A group of its own, not a session: Linux gives sessions
            # equal shares of a core (autogroup), and then its nice value would count for nothing.
            process_group=0,
        )
        task = {
            "path": sys.path,
            "directory": str(self._journal.directory),
            "journal": self._journal.id,
            "store": self._store,  # through the pipe: a URL can hold a password, and anybody can read arguments
            "keep_segments": self._keep_segments,
            "keep_rows": self._keep_rows,
            "alone": self._alone,
            "synced": self._journal.synced,
        }
        self._process = process
        self._write(process, json.dumps(task))
        return process

    def _attend(self, process: subprocess.Popen[bytes]) -> None:
        """Tell it of new lines until it ends or the gateway does."""
        ears = threading.Thread(target=self._listen, args=(process,), name="weir-ledger-reports", daemon=True)
        ears.start()
        while process.poll() is None:
            stopping = self._stop.is_set()
            self._journal.advanced.clear()
            if not self._write(process, str(self._journal.synced)) or stopping:
                break
            self._journal.advanced.wait(1.0)
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # what it was never told is held, and tried again
                process.stdin.close()  # the end: it ships what it knows of
        ears.join()
        process.wait()

    @staticmethod
    def _write(process: subprocess.Popen[bytes], line: str) -> bool:
        assert process.stdin is not None  # noqa: S101  # it was opened with a pipe
        try:
            process.stdin.write(f"{line}\n".encode())
            process.stdin.flush()
        except (BrokenPipeError, ValueError):
            return False
        return True

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101  # as above
        with process.stdout as reports:
            for line in reports:
                report = json.loads(line)
                self._shipped, self.trouble = report["shipped"], report["trouble"]
                if self._journal.last <= self._shipped:
                    self._caught_up = self._now()


class _Followed:
    """The journal as the process sees it: what the gateway says is synced."""

    def __init__(self, directory: Path, name: str, synced: int) -> None:
        self.directory = directory
        self.id = name
        self.synced = synced
        self.advanced = threading.Event()

    @property
    def last(self) -> int:
        """The last line there is to ship."""
        return self.synced


_CHILD: Final = """
import json, sys
task = json.loads(sys.stdin.readline())
sys.path[:] = task["path"]
from gateway.ledger.apart import ship
ship(task)
"""


def ship(task: Mapping[str, Any]) -> None:
    """The process's whole life: ship what standard input says is synced, report on standard output, and end
    when the gateway does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the gateway's end is ours
    os.nice(_NICE)
    journal = _Followed(Path(task["directory"]), task["journal"], task["synced"])
    shipper = Shipper(
        journal,
        partial(open_store, task["store"]),
        now=time.time_ns,
        keep_segments=task["keep_segments"],
        keep_rows=task["keep_rows"],
        alone=task["alone"],
    )
    ended = threading.Event()

    def hear() -> None:
        for line in sys.stdin:
            journal.synced = int(line)
            journal.advanced.set()
        ended.set()

    threading.Thread(target=hear, name="hear", daemon=True).start()
    told: tuple[int, str] | None = None
    while not ended.wait(_REPORT):
        told = _report(shipper, told)
    shipper.drain(None)
    _report(shipper, told)


def _report(shipper: Shipper, told: tuple[int, str] | None) -> tuple[int, str]:
    """Say how far it has come, if that is news."""
    state = (shipper.shipped, shipper.trouble)
    if state != told:
        try:
            sys.stdout.write(json.dumps({"shipped": state[0], "trouble": state[1]}) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:  # nobody listens any more; the shipping still counts
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123  # closed with the process
    return state
