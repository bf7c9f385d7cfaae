"""The gateway's end of the exporting process: starts it, hears how far it came, starts it again."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, Final

from gateway.configuration.settings import OtlpSettings
from gateway.ledger.ledger import Ledger

_log = logging.getLogger("weir.telemetry")

_RESTART: Final = 5.0  # seconds before a process that died is started again
_END: Final = 15.0  # seconds it has to tell the collector of what is left
_CHILD: Final = """
import json, sys
task = json.loads(sys.stdin.readline())
sys.path[:] = task["path"]
from gateway.metering.otlp.exporter import export
export(task)
"""


class ExporterApart:
    """What a collector is told of, and by which process. None is running until `follow` names a collector."""

    def __init__(self, ledger: Ledger, version: str) -> None:
        self._ledger = ledger
        self._resource = {
            "service.name": "weir",
            "service.version": version,
            "service.instance.id": ledger.id,
        }
        self._task: dict[str, Any] | None = None
        self._running: _Running | None = None
        self._before = (0, 0)  # what earlier processes exported and dropped

    @property
    def exported(self) -> int:
        """Spans that collectors took, since start."""
        return self._before[0] + (self._running.exported if self._running else 0)

    @property
    def dropped(self) -> int:
        """Spans that will never arrive, since start."""
        return self._before[1] + (self._running.dropped if self._running else 0)

    @property
    def trouble(self) -> str:
        """Why nothing is exported just now; empty: it is, or nothing is to be."""
        return self._running.trouble if self._running else ""

    def follow(self, otlp: OtlpSettings | None, providers: Mapping[str, str]) -> None:
        """Tell this collector from now on; None: nobody. `providers`: what backends are called. Blocks for as long
        as the last export of another one takes."""
        task = None if otlp is None else _task(otlp, providers, self._resource)
        if task == self._task:
            return
        self.close()
        self._task = task
        if task is not None:
            self._running = _Running({**task, "directory": str(self._ledger.directory)}, self._ledger.last)

    def close(self) -> None:
        """Export what is booked, within a few seconds, and end."""
        running, self._running, self._task = self._running, None, None
        if running is not None:
            running.close()
            exported, dropped = self._before
            self._before = (exported + running.exported, dropped + running.dropped)


def missing() -> str:
    """What has to be installed before anything can be exported; empty: nothing."""
    if find_spec("opentelemetry") is not None and find_spec("opentelemetry.proto") is not None:
        return ""
    return "`telemetry.otlp` needs OpenTelemetry's messages: pip install 'weir-gateway[otlp]'"


def _task(otlp: OtlpSettings, providers: Mapping[str, str], resource: Mapping[str, str]) -> dict[str, Any]:
    return {
        "path": sys.path,
        "endpoint": otlp.endpoint,
        "headers": {name: value.reveal() for name, value in otlp.headers.items()},  # through the pipe only
        "ca_file": otlp.authorities and otlp.authorities.file,
        "ca_digest": otlp.authorities and otlp.authorities.digest,  # others in the same file are another task
        "timeout": otlp.timeout,
        "every": otlp.every,
        "most": otlp.most_waiting,
        "providers": dict(providers),
        "resource": dict(resource),
    }


class _Running:
    """One configuration's process, and the thread that attends to it."""

    def __init__(self, task: dict[str, Any], after: int) -> None:
        self._started = {**task, "after": after}
        self.exported = self.dropped = 0
        self.trouble = ""
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._attend, name="weir-telemetry", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let it end."""
        self._stop.set()
        _hang_up(self._process)
        self._thread.join(_END)
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            self._thread.join()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603  # our own module, by our own interpreter
            [sys.executable, "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C at a terminal is the gateway's to answer
        )
        assert process.stdin is not None  # noqa: S101  # it was opened with a pipe
        with suppress(BrokenPipeError):  # it has ended already, as whoever listens finds out
            process.stdin.write(f"{json.dumps(self._started)}\n".encode())
            process.stdin.flush()
        return process

    def _attend(self) -> None:
        while not self._stop.is_set():
            try:
                process = self._process = self._start()
            except OSError as error:
                self.trouble = f"the process that exports telemetry cannot be started: {error.strerror}"
            else:
                self._attend_to(process)
                if self._stop.is_set():
                    return
                self.trouble = "the process that exports telemetry ended; it is started again"
            _log.warning("%s", self.trouble)
            self._stop.wait(_RESTART)

    def _attend_to(self, process: subprocess.Popen[bytes]) -> None:
        if self._stop.is_set():  # `close` may have come before there was a process to tell
            _hang_up(process)
        self._listen(process)
        process.wait()
        _hang_up(process)

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101  # it was opened with a pipe
        exported, dropped = self.exported, self.dropped
        with process.stdout as reports:
            for line in reports:
                report = json.loads(line)
                self.exported, self.dropped = exported + report["exported"], dropped + report["dropped"]
                if report["trouble"] and report["trouble"] != self.trouble:
                    _log.warning("spans wait: %s", report["trouble"])
                self.trouble = report["trouble"]
                self._started["after"] = report["line"]


def _hang_up(process: subprocess.Popen[bytes] | None) -> None:
    """Tell it that there is no more to come."""
    if process is not None and process.stdin is not None:
        with suppress(BrokenPipeError):  # what it was not told before it ended
            process.stdin.close()
