"""What words pull, remembered: nearly every word of a text has been met in another one before."""

from collections.abc import Collection, Sequence
from typing import Final
from zlib import crc32

from routers.complexity.reading import MASK, STEM

MOST: Final = 1 << 15  # words remembered before all are forgotten: a few megabytes

# What is remembered of a word is one number: its stem's hash, which tells stems apart, above what that pulls, which is
# a signed byte and so made positive. The low bits of a sum of such numbers are the sum of the pulls.
_BITS: Final = 22  # for the pulls of sixteen thousand stems; a task that is read has fifteen hundred
_SUM: Final = (1 << _BITS) - 1
_ZERO: Final = 128


class Pulls:
    """One form's table of weights, by the words met so far. Threads may share it: what one of them forgets under
    another's hands is looked up again."""

    __slots__ = ("_met", "_table")

    def __init__(self, table: Sequence[int]) -> None:
        self._table = table
        self._met: dict[bytes, int] = {}

    def of(self, vocabulary: Collection[bytes]) -> tuple[int, int]:
        """What the distinct stems of these words pull together, and how many they are."""
        try:
            stems = set(map(self._met.__getitem__, vocabulary))
        except KeyError:
            stems = self._meet(vocabulary)
        return (sum(stems) & _SUM) - _ZERO * len(stems), len(stems)

    def _meet(self, vocabulary: Collection[bytes]) -> set[int]:
        """The stems of words of which some are new; they are remembered."""
        if len(self._met) >= MOST:
            self._met = {}
        met = self._met
        stems: set[int] = set()
        for word in vocabulary:
            stem = met.get(word)
            if stem is None:
                code = crc32(word[:STEM])
                stem = met[word] = (code << _BITS) + self._table[code & MASK] + _ZERO
            stems.add(stem)
        return stems
