"""Draws on windows' pools for many requests at once, and divides what comes to the nanosecond."""

from gateway.metering.gpu.facts import Booking, Row, RowKey
from gateway.metering.gpu.held import Claims, Held, correction
from gateway.metering.gpu.rows import WindowRows
from gateway.metering.gpu.turns import Turns


class Drawing:
    """One replica's. `overdue` gathers corrections of foreign time that was booked before it was claimed."""

    def __init__(self, rows: WindowRows, turns: Turns) -> None:
        self._rows = rows
        self._turns = turns
        self.overdue: list[Booking] = []

    async def claim(self, key: RowKey, row: Row, wanted: Claims, window: int) -> tuple[Claims, Claims]:
        """Draw on `key`, whose row is given, for claims that belong to `window`; what each ticket got, and what it
        lacks."""
        total = sum(wanted.values())
        granted = await self.draw(key, row, total, wanted, window)
        if not granted:
            return granted, wanted
        if sum(granted.values()) == total:
            return granted, {}
        short: Claims = {}
        for few in self._turns.over(list(wanted.items())):
            for ticket, ns in few:
                lacks = ns - granted.get(ticket, 0)
                if lacks > 0:
                    short[ticket] = lacks
            await self._turns.pause()
        return granted, short

    async def draw(
        self, key: RowKey, row: Row, gpu_ns: int, weights: Claims, window: int | None = None
    ) -> Claims:
        """Draw on `key` and divide what comes by weight. `window`: the one that the tickets owe it for, where it is a
        bill by its prices."""
        total = sum(weights.values())
        if not total or not gpu_ns:
            return {}
        drawn = await self._rows.draw(key, gpu_ns)
        came = drawn.gpu_ns
        if drawn.late_ns:
            self.overdue.append(correction("foreign", key, -drawn.late_ns, row))
        granted: Claims = {}
        if not came:
            return granted
        passed = given = 0
        for few in self._turns.over(list(weights.items())):
            for ticket, weight in few:
                passed += weight
                part = came * passed // total - given if came != total else weight
                given += part
                granted[ticket] = part
                if window is not None and (ticket.ended is None or ticket.late):
                    ticket.book(window, part)
            await self._turns.pause()
        return granted

    async def even_out(self, left: Held, right: Held) -> None:
        """Tokens that arrived on the other side of a window's edge draw on the neighbour's unclaimed time."""
        if not left.explained:
            prices, window = right.row.prices, left.key.window
            for ticket in left.short:
                owed = prices.due(ticket.pays_for(window, left.row))
                left.short[ticket] = max(0, owed - left.granted.get(ticket, 0))
        for claimant, source in ((right, left), (left, right)):
            if claimant.short:
                granted, claimant.short = await self.claim(
                    source.key, source.row, claimant.short, claimant.key.window
                )
                await source.grant(granted, self._turns)
