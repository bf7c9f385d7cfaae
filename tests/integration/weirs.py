"""Runs a whole Weir inside the test process, on a thread with a loop of its own."""

import asyncio
import json
import os
import sqlite3
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from gateway.access import keys
from gateway.app import Service


class RunningWeir:
    """A Weir on a free loopback port. `key` belongs to tenant `acme`, `other_key` to tenant `globex`."""

    def __init__(
        self, folder: Path, policy: str, environ: Mapping[str, str] | None = None, owns: str = ""
    ) -> None:
        """`owns`: what providers keep for `acme` though it was not made through this Weir, as `openai: "*"`."""
        owned = f"owns: {{{owns}}}, " if owns else ""
        self.key, self.other_key = keys.create(), keys.create()
        self.folder = folder
        self.config = folder / "weir.yaml"
        self.ledger = folder / "ledger.sqlite"
        self.environ = {**os.environ, **(environ or {})}
        self._common = f"""
server: {{ledger: "{self.ledger}", port: 0, metrics: {{port: 0}}}}
tenants:
  acme: {{{owned}keys: [{{id: app, sha256: "{keys.digest(self.key)}"}}]}}
  globex: {{keys: [{{id: app, sha256: "{keys.digest(self.other_key)}"}}]}}
"""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="weir")
        self._thread.start()
        self.before_start()
        self.write(policy)
        self.begin()

    def before_start(self) -> None:
        """What has to run before Weir does."""

    def write(self, policy: str) -> None:
        """Replace the configuration file."""
        self.config.write_text(policy + self._common)

    def run(self, coroutine: Any, seconds: float = 60) -> Any:
        """Run something on Weir's own loop."""
        future: Future[Any] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return future.result(seconds)

    def stop(self) -> None:
        """Stop it and its thread; the ledger is shipped by then."""
        try:
            self.run(self.service.stop())
        finally:
            self.stop_loop()

    def restart(self) -> None:
        """Stop it, and start it again with the same files."""
        self.run(self.service.stop())
        self.begin()

    def begin(self) -> None:
        """Start it, or start it again after a stop."""
        self.service: Service = self.run(Service.start([self.config], self.environ, port=0))
        self.url = self.service.url
        self.in_force = self.service.runtime.snapshot.hash

    def stop_loop(self) -> None:
        """End the background loop and its thread, once whoever is left on it has ended."""
        try:
            self.run(_ended())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(60)
            self._loop.close()

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of a ledger table, once all that was booked so far has been shipped."""
        self.run(self.service.flush())
        with sqlite3.connect(self.ledger) as database:
            database.row_factory = sqlite3.Row
            begun = database.execute("SELECT name FROM sqlite_master").fetchone()  # nothing was booked before
            select = f"SELECT * FROM {table} ORDER BY at"  # noqa: S608  # our own names
            found = [dict(row) for row in database.execute(select)] if begun else []
        database.close()
        return found

    def post(
        self, body: Any, *, key: str | None = None, path: str = "/v1/chat/completions", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One plain POST; error statuses are answers too."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method="POST")  # noqa: S310  # loopback
        request.add_header("content-type", "application/json")
        request.add_header("authorization", f"Bearer {key or self.key}")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # loopback
                return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


async def _ended() -> None:
    """End what stand-ins still do for clients that are gone, and let transports close: nothing is to be found open
    later, in another test."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    for _ in range(3):
        await asyncio.sleep(0)
