"""Lets counters that must never fall follow bookings that may be corrected downwards."""

from collections.abc import Hashable


class Upward:
    """Negative amounts are held against the next positive ones of the same key."""

    def __init__(self) -> None:
        self._owed: dict[Hashable, int] = {}

    def take(self, key: Hashable, amount: int) -> int:
        """What the key's counter may rise by now, at least 0."""
        amount -= self._owed.pop(key, 0)
        if amount < 0:
            self._owed[key] = -amount
            return 0
        return amount
