"""The process's background tasks: none of them ends unheard.

They run for as long as the process does, and nobody awaits them before it ends: one that failed would be missed only by
what it no longer does, be that a budget that is not counted or a configuration that is not reloaded.
"""

import asyncio
import logging
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final

from gateway.api.logs import where

log = logging.getLogger("weir.app")


class Background:
    """Owns them. `failed` names those that ended by an error."""

    def __init__(self) -> None:
        self.failed: Final[list[str]] = []
        self._tasks: list[asyncio.Task[Any]] = []

    def begin(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        """Have it run until it is over or `stop` is called; `name` says what it does."""
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(partial(self._heard, name))
        self._tasks.append(task)

    async def stop(self) -> None:
        """Cancel what still runs, and wait until it is over."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _heard(self, name: str, task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        self.failed.append(name)
        log.critical(
            "%s has failed, and is not done any more until Weir is started again",
            name,
            extra={"error": type(error).__name__, "where": where(error)},
        )
