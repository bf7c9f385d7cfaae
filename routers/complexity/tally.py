"""In which word lists a text's words stand: all lists are counted at one look, whatever they are for."""

from collections.abc import Collection, Mapping, Sequence, Set
from typing import Final

BITS: Final = 8  # of a list's count; no list has more words
ROOM: Final = 3  # bytes before the lists' counts, for a sum of what else somebody has to say of each word


class Tally:
    """Counts how many of a text's distinct words stand in each list."""

    __slots__ = ("_known", "size", "votes")

    def __init__(self, lists: Sequence[Collection[bytes]]) -> None:
        """Of up to 255 words each."""
        self.size: Final = ROOM + len(lists)  # bytes of what `of` says
        # What each word says, as a number with a byte for each list: a sum of them counts all lists at once.
        votes: dict[bytes, int] = {}
        for place, words in enumerate(lists, ROOM):
            for word in set(words):
                votes[word] = votes.get(word, 0) + (1 << BITS * place)
        self.votes: Final[Mapping[bytes, int]] = votes
        self._known: Final = frozenset(votes)

    def of(self, vocabulary: Set[bytes]) -> bytes:
        """After ROOM, for each list, in order, how many of these words it has."""
        said = sum(map(self.votes.__getitem__, vocabulary & self._known))
        return said.to_bytes(self.size, "little")
