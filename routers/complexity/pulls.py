"""What words pull, remembered: nearly every word of a text has been met in another one before."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Final
from zlib import crc32

from routers.complexity.reading import MASK, STEM

MOST: Final = 1 << 14  # words remembered before all are forgotten: two megabytes


class Pulls:
    """One form's table of weights, by the words met so far. Threads may share it: what one of them forgets under
    another's hands is looked up again."""

    __slots__ = ("_met", "_table")

    def __init__(self, table: Sequence[int]) -> None:
        self._table = table
        self._met: dict[bytes, int] = {}

    def of(self, vocabulary: set[bytes]) -> int:
        """What these words pull together."""
        if len(vocabulary) < 2:  # for which an itemgetter returns no tuple
            return sum([self._meet(vocabulary)[word] for word in vocabulary])
        each = itemgetter(*vocabulary)  # looks all of them up without a step of Python for each
        try:
            return sum(each(self._met))
        except KeyError:
            return sum(each(self._meet(vocabulary)))

    def _meet(self, vocabulary: set[bytes]) -> dict[bytes, int]:
        """What is remembered, these words among it."""
        if len(self._met) >= MOST:
            self._met = {}
        met, table = self._met, self._table
        for word in vocabulary.difference(met):
            met[word] = table[crc32(word[:STEM]) & MASK]
        return met
