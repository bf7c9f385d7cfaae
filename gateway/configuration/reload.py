"""Watches the configuration's files and swaps in a new snapshot, whole or not at all.

Files are polled, which works on every file system and follows the symlinks that Kubernetes swaps. What is
seen changing is left alone until it holds still: a folder half written could lack its boundaries and still
be valid. A bad configuration is refused with everything that is wrong, and the good one stays.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from gateway.configuration.apart import read_apart
from gateway.configuration.problems import ConfigurationErrors
from gateway.configuration.snapshot import Settings, Snapshot
from gateway.configuration.source import Stamp, stamp

_log = logging.getLogger(__name__)

Read = Callable[[Sequence[Path], Mapping[str, str], date], Settings]

EVERY: Final = 1.0  # seconds between two looks
SETTLE: Final = 0.25  # seconds that files must hold still


class Watcher:
    """Keeps `current` up to date. One per process; `run` is its one task, owned by the caller."""

    def __init__(
        self,
        paths: Sequence[Path],
        environ: Mapping[str, str],
        snapshot: Snapshot,
        changed: Callable[[Snapshot], Awaitable[None] | None],
        *,
        today: Callable[[], date],
        refused: Callable[[ConfigurationErrors], None] | None = None,
        read: Read = read_apart,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`changed` is called on the event loop with each new snapshot, after it has become `current`; what it
        returns is awaited before the next look, so that snapshots are taken over in their order. `refused` is
        called with what is wrong."""
        self.current = snapshot
        self.refused: ConfigurationErrors | None = None  # what was wrong with the latest files, if they were
        self._paths = tuple(paths)
        self._environ = environ
        self._changed = changed
        self._refused = refused
        self._today = today
        self._read = read
        self._pause = pause
        self._seen = snapshot.settings.stamp
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Reload at the next moment, whether or not a file changed: what SIGHUP means."""
        self._asked.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self.look()
            waiting = (
                asyncio.ensure_future(self._pause(EVERY)),
                asyncio.ensure_future(self._asked.wait()),
            )
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waiting:
                    each.cancel()

    async def look(self) -> bool:
        """Look once; reload if a file changed or somebody asked. Whether a new snapshot is current."""
        asked = self._asked.is_set()
        self._asked.clear()
        seen = await self._stamp()
        if not asked and seen == self._seen:
            return False
        seen = await self._settled(seen)
        reloaded = await self._reload()
        self._seen = seen
        return reloaded

    async def _settled(self, seen: Stamp) -> Stamp:
        """Wait until two looks in a row see the same."""
        while True:
            await self._pause(SETTLE)
            again = await self._stamp()
            if again == seen:
                return seen
            seen = again

    async def _stamp(self) -> Stamp:
        files = map(Path, self.current.files)  # more than the YAML: terms, prices, certificates
        return await asyncio.to_thread(stamp, (*self._paths, *files))

    async def _reload(self) -> bool:
        try:
            settings = await asyncio.to_thread(self._read, self._paths, self._environ, self._today())
        except ConfigurationErrors as errors:
            self.refused = errors
            _log.error(
                "the new configuration is refused and the last good one (%s) stays:\n%s",
                self.current.hash,
                errors,
            )
            if self._refused is not None:
                self._refused(errors)
            return False
        mended, self.refused = self.refused is not None, None
        if settings.hash == self.current.hash:
            if mended:
                _log.info("the configuration is right again, and still %s", settings.hash)
            return False
        snapshot = await asyncio.to_thread(Snapshot.of, settings)
        self.current = snapshot
        for warning in snapshot.warnings:
            _log.warning("%s", warning)
        taking_over = self._changed(snapshot)
        if taking_over is not None:
            await taking_over
        return True
