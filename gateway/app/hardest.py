"""Brings rolling thresholds over a restart, and those of several gateways together, beside the requests."""

import asyncio
import logging
from collections.abc import Callable

from gateway.pipeline.hardness import Hardness
from gateway.state.claims import Gone
from gateway.state.scores import Scores

_log = logging.getLogger("weir.state")


class KeptThresholds:
    """Exchanges what a policy's routes have met for what is kept, in time that no request waits for."""

    def __init__(self, scores: Scores) -> None:
        self._scores = scores
        self._gone = False

    async def exchange(self, hardness: Hardness) -> None:
        """Hand in what was met since the last time and go on from what is kept; alone while that is out of reach."""
        met = hardness.met()
        if not met:
            return
        try:
            kept = await self._scores.exchange(met)
        except Gone as gone:
            hardness.follow(met)
            if not self._gone:
                _log.warning("rolling thresholds follow this gateway's traffic alone: %s", gone)
            self._gone = True
        else:
            hardness.go_on(kept)
            self._gone = False

    async def run(self, hardness: Callable[[], Hardness]) -> None:
        """Exchange now and then, for as long as the task lives."""
        while True:
            await asyncio.sleep(self._scores.every)
            await self.exchange(hardness())

    async def finish(self, hardness: Hardness) -> None:
        """Hand in the last of it."""
        await self.exchange(hardness)
        await self._scores.close()
