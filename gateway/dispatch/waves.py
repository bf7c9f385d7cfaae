"""Requests that arrive together take each step together, so that its code is still in the processor's caches.

One request runs through more code than a core's nearest caches hold. Where each is taken to its end before the next
begins, every step of every request finds them cold; step by step, only the first of a wave does (ADR 10).
"""

import asyncio
from collections.abc import Generator
from typing import Any, Final

_AT_ONCE: Final = ()
_AFTER_THE_OTHERS: Final = (None,)  # what a task gives the loop to be called again in its turn
ROUNDS: Final = 7  # of the loop, in which a wave takes all its steps up to the upstream


class Waves:
    """Counts the requests under way. `await waves` lets the others come up to the same step; a request that is alone
    goes on at once."""

    __slots__ = ("gate", "under_way")

    def __init__(self) -> None:
        self.under_way = 0
        self.gate: Final = Gate(self)

    def __await__(self) -> Generator[Any, None, None]:
        steps = _AFTER_THE_OTHERS if self.under_way > 1 else _AT_ONCE
        return iter(steps)  # type: ignore[return-value]  # as good as a generator to `await`, and made in less time


class Gate:
    """Where waves are formed: `await waves.gate` joins the one that sets out in this round of the loop. Who comes while
    one is on its way goes with the next, a few rounds later, so that there are few large waves and not many small ones,
    each at another step. A request that is alone finds it open."""

    __slots__ = ("_rounds", "_waiting", "_waves")

    def __init__(self, waves: Waves) -> None:
        self._waves = waves
        self._rounds = 0  # until it opens; all of them: who comes now still joins
        self._waiting: list[asyncio.Future[None]] = []

    def __await__(self) -> Generator[Any, None, None]:
        if self._waves.under_way < 2:
            return iter(_AT_ONCE)  # type: ignore[return-value]  # as above
        if self._rounds == 0:
            self._set_out()
        if self._rounds == ROUNDS:
            return iter(_AFTER_THE_OTHERS)  # type: ignore[return-value]  # as above
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        return turn.__await__()

    def _set_out(self) -> None:
        self._rounds = ROUNDS
        asyncio.get_running_loop().call_soon(self._round_over)

    def _round_over(self) -> None:
        self._rounds -= 1
        if self._rounds:
            asyncio.get_running_loop().call_soon(self._round_over)
        elif self._waiting:
            waiting, self._waiting = self._waiting, []
            for turn in waiting:
                if not turn.done():  # who waited for it may have been cancelled
                    turn.set_result(None)
            self._set_out()


ALONE: Final = Waves()  # for whoever takes one request at a time: nobody counts in it
