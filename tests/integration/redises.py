"""A real Redis for a test: started on a free loopback port, stopped by its process id."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from gateway.state import shared, shared_options

SERVER: Final = shutil.which("redis-server")


@contextmanager
def patience(seconds: float = 10.0) -> Iterator[None]:
    """Who connects to Redis waits for so long: for tests of what is kept there, on however busy a machine. A Redis that
    has ended refuses connections, and nobody waits for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_options, "PATIENCE", seconds)
        patch.setattr(shared, "_LONGEST_WAIT", 2 * seconds)
        yield


@contextmanager
def running_redis(folder: Path) -> Iterator["RealRedis"]:
    """One that has started, and Weirs that have patience with it."""
    redis = RealRedis(folder)
    redis.start()
    try:
        with patience():
            yield redis
    finally:
        redis.stop()


class RealRedis:
    """`url` is where it answers. It can go away and come back with what it kept (append-only file)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: Final[int] = free.getsockname()[1]
        self.url: Final = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it and wait until it answers."""
        assert SERVER is not None
        self._process = subprocess.Popen(
            [SERVER, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder),
             # its end is a process's, not the machine's: waiting for a busy disk would only make it late
             "--appendonly", "yes", "--appendfsync", "no", "--save", "", "--logfile", "redis.log"],
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < deadline, "Redis did not start"
            assert self._process.poll() is None, "Redis ended at once"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def stop(self) -> None:
        """End it; what it acknowledged is kept."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        """Have it answer nobody, with its connections open."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)
