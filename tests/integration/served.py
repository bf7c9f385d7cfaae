"""`weir serve` as processes of its own, one after the other on one state directory and one port, to be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.integration.commands import ROOT, environ
from tests.integration.engines import free_port

START_SECONDS: Final = 90.0
LISTENS: Final = "Weir listens on"
# Everything is imported before it is told to begin, so that the one after a kill is up at once.
_WARMED: Final = """
import sys
import gateway.cli.serve
from gateway.cli.root import weir
sys.stdin.readline()
weir(["serve", *sys.argv[1:]])
"""


class Served:
    """`begin` it, `kill` it (SIGKILL), `begin` it again; `stop` ends it in peace. While one runs, the next one warms
    up. `begun` counts how many there were, `log` holds what all of them said."""

    def __init__(self, folder: Path, config: Path, more: Mapping[str, str]) -> None:
        self.config: Final = config
        self.environ: Final = {**environ(200), **more, "PYTHONPYCACHEPREFIX": str(folder / "pycache")}
        self.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # fifty starts need not compile everything anew
        self.port: Final = free_port()
        self.url: Final = f"http://127.0.0.1:{self.port}"
        self.log: Final = folder / "log"
        self.begun = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._next = self._warmed()

    def begin(self, *, until_ready: bool = True) -> None:
        """Start; by default wait until it listens."""
        said = self.log.stat().st_size
        self._process, self._next = self._next, self._warmed()
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.close()
        self.begun += 1
        deadline = time.monotonic() + START_SECONDS
        while until_ready and LISTENS not in (told := self._said_since(said)):
            assert self._process.poll() is None, f"it ended while starting:\n{told}"
            assert time.monotonic() < deadline, f"it did not start:\n{told}"
            time.sleep(0.005)

    def kill(self, *, shipper: bool = False) -> None:
        """kill -9, of the process that ships its journal too if so wished."""
        assert self._process is not None
        others = _children(self._process.pid) if shipper else []
        for pid in (self._process.pid, *others):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(10)

    def stop(self) -> int:
        """End it as an operator does; its exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(60)

    def close(self) -> None:
        """Nothing of it is left."""
        for process in (self._process, self._next):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait(10)
        assert self._next.stdin is not None
        self._next.stdin.close()

    def _warmed(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", _WARMED, "--config", str(self.config), "--port", str(self.port)],
                cwd=ROOT,
                env=self.environ,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )

    def _said_since(self, place: int) -> str:
        with self.log.open("rb") as log:
            log.seek(place)
            return log.read().decode()


def _children(pid: int) -> list[int]:
    """The processes that one has started."""
    found = (path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(child) for each in found for child in each]
