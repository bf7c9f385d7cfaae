"""Amounts that several gateways claim together: a pool is opened once, drawn on until empty, closed once.

Everything a gateway says is a total, never an increment, so that what was asked and not answered can be asked again:
a claim is all it has claimed so far, and the answer is all it has been given.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Given:
    """What a gateway has been given of a pool in all, and how much of that after it was closed."""

    total: int
    late: int


class Pools(Protocol):
    """Pools by name; forgotten after a while. Every method may raise `claims.Gone`: then it may have been done."""

    async def meet(self, name: str, gateway: str, said: str) -> list[str]:
        """Say something about a pool, opened or not, in the place of what was said before; empty: to say it later. What
        every other gateway that met here says."""

    async def open(self, name: str, text: str, amount: int) -> str:
        """Keep `text` and `amount`, unless the pool is there; its text."""

    async def claim(self, name: str, gateway: str, total: int, *, overdraw: bool = False) -> Given | None:
        """Have been given `total` in all, as far as the pool goes; beyond that, and below nothing, with `overdraw`.
        A smaller total gives back. None: the pool was forgotten."""

    async def note(self, name: str, gateway: str, figures: tuple[int, int]) -> tuple[int, int]:
        """Note two figures of one gateway; the sums over all gateways."""

    async def left(self, name: str, gateway: str) -> tuple[int, int, int]:
        """(what nobody has claimed, what this gateway was given, what all were given that have not asked yet, this one
        included). Counts as having asked."""

    async def shut(self, name: str) -> int | None:
        """Close it; what nobody had claimed when it was closed first. None: the pool was forgotten."""

    async def close(self) -> None:
        """Let go of the connection."""
