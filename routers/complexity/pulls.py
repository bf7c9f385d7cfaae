"""What words pull, remembered: nearly every word of a text has been met in another one before."""

from collections.abc import Collection, Sequence
from typing import Final
from zlib import crc32

from routers.complexity.reading import MASK, STEM

MOST: Final = 1 << 15  # words remembered before all are forgotten: a few megabytes


class Pulls:
    """One form's table of weights, by the words met so far. Threads may share it: what one of them forgets under
    another's hands is looked up again."""

    __slots__ = ("_codes", "_pulls", "_table")

    def __init__(self, table: Sequence[int]) -> None:
        self._table = table
        self._codes: dict[bytes, int] = {}  # by word: its stem's hash
        self._pulls: dict[int, int] = {}  # by that: what the table says

    def of(self, vocabulary: Collection[bytes]) -> tuple[int, int]:
        """What the distinct stems of these words pull together, and how many they are."""
        try:
            stems = set(map(self._codes.__getitem__, vocabulary))
            return sum(map(self._pulls.__getitem__, stems)), len(stems)
        except KeyError:
            return self._met(vocabulary)

    def _met(self, vocabulary: Collection[bytes]) -> tuple[int, int]:
        """As `of`, for words of which some are new; they are remembered."""
        if len(self._codes) >= MOST:
            self._codes, self._pulls = {}, {}
        codes, pulls = self._codes, self._pulls
        stems: set[int] = set()
        for word in vocabulary:
            code = codes.get(word)
            if code is None:
                code = crc32(word[:STEM])
                pulls[code] = self._table[code & MASK]
                codes[word] = code
            stems.add(code)
        return sum([self._table[code & MASK] for code in stems]), len(stems)
