"""A real PostgreSQL for a test: its own directory and socket, stopped when the test is done."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Postgres:
    """A PostgreSQL server of the test's own, on a Unix socket in a directory of its own."""

    def __init__(self, binaries: Path, directory: Path, prefix: list[str]) -> None:
        self._binaries = binaries
        self._directory = directory
        self._prefix = prefix
        self._databases = 0
        self._run(
            "initdb", "-A", "trust", "-U", "weir", "-E", "UTF8", "--no-sync", "-D", str(directory / "data")
        )

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [*self._prefix, self._binaries / program, *arguments],
            check=True,
            timeout=60,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start(self) -> None:
        """Run it and wait until it answers."""
        options = f"-c listen_addresses= -c unix_socket_directories={self._directory} -c fsync=off"
        data = str(self._directory / "data")
        self._run("pg_ctl", "start", "-w", "-D", data, "-o", options, "-l", str(self._directory / "log"))

    def stop(self) -> None:
        """End it at once; what it committed is kept."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self._directory / "data"))

    def url(self, database: str = "postgres") -> str:
        """Where a database answers."""
        return f"postgresql://weir@/{database}?host={self._directory}"

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        self._databases += 1
        name = f"ledger{self._databases}"
        psycopg = pytest.importorskip("psycopg")
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server that has started; the test is skipped where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed: no /usr/lib/postgresql/*/bin/initdb")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    directory = Path(tempfile.mkdtemp(prefix="weir-pg-"))
    prefix: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        runuser = shutil.which("runuser")
        if runuser is None or "postgres" not in {user.pw_name for user in pwd.getpwall()}:
            pytest.skip("PostgreSQL does not run as root, and there is no runuser or no postgres user")
        shutil.chown(directory, "postgres")
        prefix = [runuser, "-u", "postgres", "--"]
    server = Postgres(found[-1].parent, directory, prefix)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)
