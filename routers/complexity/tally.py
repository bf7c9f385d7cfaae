"""In which word lists a text's words stand: all lists are counted at one look, whatever they are for."""

from collections.abc import Collection, Sequence, Set
from typing import Final

BITS: Final = 8  # of a list's count; no list has more words


class Tally:
    """Counts how many of a text's distinct words stand in each list."""

    __slots__ = ("_known", "_lists", "_votes")

    def __init__(self, lists: Sequence[Collection[bytes]]) -> None:
        """Of up to 255 words each."""
        self._lists: Final = len(lists)
        # What each word says, as a number with a byte for each list: a sum of them counts all lists at once.
        votes: dict[bytes, int] = {}
        for place, words in enumerate(lists):
            for word in set(words):
                votes[word] = votes.get(word, 0) + (1 << BITS * place)
        self._votes: Final = votes
        self._known: Final = frozenset(votes)

    def of(self, vocabulary: Set[bytes]) -> bytes:
        """For each list, in order, how many of these words it has."""
        said = sum(map(self._votes.__getitem__, vocabulary & self._known))
        return said.to_bytes(self._lists, "little")
