"""How many of one thing usually come with one of another: what ended answers teach about those still under way."""

from typing import Final

_FORGET: Final = 0.98  # per answer
_LEAST: Final = 0.2
_MOST: Final = 16.0


class Usual:
    """A ratio of sums that forgets. 1 until it is taught otherwise."""

    def __init__(self) -> None:
        self._found = self._counted = 0.0
        self.ratio = 1.0

    def add(self, found: float, counted: float) -> None:
        """There were that many where so many had been counted."""
        if counted <= 0:
            return
        self._found = _FORGET * self._found + found
        self._counted = _FORGET * self._counted + counted
        ratio = self._found / self._counted
        self.ratio = _LEAST if ratio < _LEAST else ratio if ratio < _MOST else _MOST
