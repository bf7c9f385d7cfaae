"""What turns out late of windows that were priced: tickets that ended since draw more of them, or give back."""

from collections.abc import Callable, Iterable

from gateway.metering.gpu.drawing import Drawing
from gateway.metering.gpu.facts import Booking, Row, RowKey
from gateway.metering.gpu.held import Claims, Held, correction
from gateway.metering.gpu.ticket import Ticket
from gateway.metering.gpu.turns import Turns


class Late:
    """One replica's. What it is told of windows stays until it is told to forget them."""

    def __init__(self, drawing: Drawing, turns: Turns) -> None:
        self._drawing = drawing
        self._turns = turns
        self.ended: list[Ticket] = []  # after windows they had work in were closed
        self.posted: dict[int, Row] = {}  # rows that tickets may still have claims on, by window
        self.unmet: dict[int, Claims] = {}  # what claims on booked windows lack

    def forget(self, before: int) -> None:
        """Nothing can claim on windows before that one any more."""
        for window in [w for w in self.posted if w < before]:
            del self.posted[window]
            self.unmet.pop(window, None)

    async def correct(self, held: Iterable[Held], key: Callable[[int], RowKey]) -> list[Booking]:
        """Book what tickets that ended after their windows were closed turned out to have used. What is due in
        windows that are `held` is granted there."""
        ended, self.ended = self.ended, []
        owed: dict[int, Claims] = {}
        for few in self._turns.over(ended):
            for ticket in few:
                self._owe(ticket, owed)
            await self._turns.pause()
        waiting = {each.key.window: each for each in held}
        booked: list[Booking] = []
        for window, claims in owed.items():
            for sign in (-1, 1):  # what is given back can be drawn
                some = {ticket: ns for ticket, ns in claims.items() if ns * sign > 0}
                booked += await self._correct_window(key(window), waiting.get(window), some)
        return booked

    def _owe(self, ticket: Ticket, owed: dict[int, Claims]) -> None:
        """What the ticket owes (or is owed) beyond what it was billed, by window."""
        booked = ticket.booked or {}
        for window in {*ticket.windows, *booked}:
            row = self.posted.get(window)
            if row is None:
                continue
            ns = row.prices.due(ticket.pays_for(window, row)) - booked.get(window, 0)
            self.unmet.get(window, {}).pop(ticket, None)  # what it lacks is known better now
            if ns:
                owed.setdefault(window, {})[ticket] = ns

    async def _correct_window(self, key: RowKey, held: Held | None, claims: Claims) -> list[Booking]:
        """Draw more, or give back; all claims of one sign."""
        window, row = key.window, self.posted[key.window]
        granted = await self._drawing.draw(key, row, sum(claims.values()), claims, window)
        if held:
            await held.grant(granted, self._turns)
            return []
        booked = [correction("request", key, ns, row, t) for t, ns in granted.items() if ns]
        if window in self.unmet:
            booked += await self._make_good(key, -sum(granted.values()))
        lacking = {t: ns - granted.get(t, 0) for t, ns in claims.items() if ns > granted.get(t, 0)}
        if lacking:
            self.unmet.setdefault(window, {}).update(lacking)
        return booked

    async def _make_good(self, key: RowKey, freed: int) -> list[Booking]:
        """What was given back of a booked window goes to those who lack it, in as few pieces as can be."""
        unmet, row, chosen = self.unmet[key.window], self.posted[key.window], {}
        for ticket in sorted(unmet, key=unmet.__getitem__, reverse=True):
            if freed <= 0:
                break
            chosen[ticket] = min(freed, unmet[ticket])
            freed -= chosen[ticket]
        granted = await self._drawing.draw(key, row, sum(chosen.values()), chosen, key.window)
        for ticket, ns in granted.items():
            unmet[ticket] -= ns
        return [correction("request", key, ns, row, t) for t, ns in granted.items() if ns]
