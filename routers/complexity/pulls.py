"""What words say in one form, remembered: nearly every word of a text has been met in another one before."""

from collections.abc import Mapping, Sequence, Set
from typing import Final
from zlib import crc32

from routers.complexity.reading import MASK, STEM, TALLY
from routers.complexity.tally import ROOM

MOST: Final = 1 << 14  # words remembered before all are forgotten: two megabytes


class _Met(dict[bytes, int]):
    """What each word says; of a new one it is found out as it is met."""

    def __init__(self, table: Sequence[int], votes: Mapping[bytes, int]) -> None:
        self._table = table
        self._votes = votes

    def __missing__(self, word: bytes) -> int:
        said = self[word] = self._votes.get(word, 0) + self._table[crc32(word[:STEM]) & MASK]
        return said


class Pulls:
    """Counts how many of a text's words stand in each list, and what they pull, at one look. Threads may share it: what
    one of them forgets under another's hands is found out again."""

    __slots__ = ("_met", "_table")

    def __init__(self, table: Sequence[int]) -> None:
        """`table`: a form's weights, each from 0 to 255."""
        self._table = table
        self._met = _Met(table, TALLY.votes)

    def of(self, vocabulary: Set[bytes]) -> bytes:
        """What TALLY says of these words, and what they pull together in the room before it."""
        if len(self._met) >= MOST:
            self._met = _Met(self._table, TALLY.votes)
        said = sum(map(self._met.__getitem__, vocabulary))
        return said.to_bytes(TALLY.size, "little")


def pulled(counts: bytes) -> int:
    """What the words pull together, by what `Pulls.of` said of them."""
    return int.from_bytes(counts[:ROOM], "little")
