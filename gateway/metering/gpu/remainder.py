"""What of a window is not a request's: booked once, by the gateway that posted its row, as soon as all can be asked."""

import logging
from collections import deque
from typing import Final

from gateway.metering.gpu.facts import Booking, Kind
from gateway.metering.gpu.held import Held, booking, correction
from gateway.metering.gpu.rows import WindowRows
from gateway.metering.gpu.turns import Turns

_log = logging.getLogger("weir.gpu")

_MOST: Final = 3600  # windows that wait for the other gateways: shared state forgets them an hour later


class Remainder:
    """One replica's, as its gateway `writer` books it."""

    def __init__(self, rows: WindowRows, writer: str, turns: Turns) -> None:
        self._rows = rows
        self._writer = writer
        self._turns = turns
        self._waiting: deque[Held] = deque()
        self.provisioned_ns = 0  # GPU ns of the windows booked, by the clock alone

    @property
    def pending(self) -> bool:
        """Whether windows wait for gateways that could not be asked."""
        return bool(self._waiting)

    async def book(self, held: Held) -> list[Booking]:
        """Foreign, waiting, idle and unobserved time of a window whose requests are booked; none where another
        gateway books it. Where the others cannot be asked it waits for `catch_up`."""
        if not self._rows.settled(held.key):
            return self._wait(held)
        if held.row.writer != self._writer:
            return []
        foreign = await self._rows.close(held.key)
        if foreign is None:
            return self._wait(held)
        row, gpus = held.row, held.row.gpus
        self.provisioned_ns += gpus * row.provisioned_ns
        idle = row.provisioned_ns - row.busy_ns - row.unobserved_ns
        uses: tuple[tuple[Kind, int], ...] = (
            ("foreign", foreign),
            ("waiting", gpus * held.carried_ns),
            ("idle", gpus * idle),
            ("unobserved", gpus * row.unobserved_ns),
        )
        return [booking(kind, held.key, ns, row) for kind, ns in uses if ns]

    async def catch_up(self) -> list[Booking]:
        """Book what waited, if the other gateways can be asked again."""
        booked: list[Booking] = []
        for _ in range(len(self._waiting)):
            held = self._waiting[0]
            settled = await self._rows.settle(held.key)
            if settled is None:
                break
            self._waiting.popleft()
            if settled.late_ns:
                booked.append(correction("foreign", held.key, -settled.late_ns, settled.row))
            held.row = settled.row
            booked += await self.book(held)
            await self._turns.pause()
        return booked

    def _wait(self, held: Held) -> list[Booking]:
        held.granted, held.short, held.present = {}, {}, {}  # they are booked
        self._waiting.append(held)
        if len(self._waiting) > _MOST:
            gone = self._waiting.popleft()
            _log.error(
                "window %d of %s: what was no request of ours stays unbooked: no gateway could be asked for an hour",
                gone.key.window,
                gone.key.replica,
            )
        return []
