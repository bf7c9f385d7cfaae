"""A KV cache of numbered blocks: shared by content, counted by readers, the longest unread given up first."""

from collections import Counter, OrderedDict
from collections.abc import Hashable, Sequence
from typing import Final

BLOCK: Final = 16  # tokens

Key = Hashable  # what a block holds; two jobs with the same key hold the same tokens there


class Blocks:
    """`total` blocks. A block is read by jobs, or kept unread until its room is needed."""

    def __init__(self, total: int) -> None:
        self.total: Final = total
        self._readers: Counter[Key] = Counter()
        self._unread: OrderedDict[Key, None] = OrderedDict()

    @property
    def free(self) -> int:
        """Blocks that nobody reads."""
        return self.total - len(self._readers)

    @property
    def usage(self) -> float:
        """The share in use, as an engine's gauge shows it: a shared block counts once."""
        return len(self._readers) / self.total

    def known(self, keys: Sequence[Key]) -> int:
        """How many of these, from the first on, need not be computed."""
        for number, key in enumerate(keys):
            if key not in self._readers and key not in self._unread:
                return number
        return len(keys)

    def read(self, key: Key) -> bool:
        """One more job reads the block; False where there is no room for it."""
        if key not in self._readers:
            if key in self._unread:
                del self._unread[key]
            elif not self.free:
                return False
            elif len(self._readers) + len(self._unread) >= self.total:
                self._unread.popitem(last=False)
        self._readers[key] += 1
        return True

    def leave(self, keys: Sequence[Key]) -> None:
        """One job reads these no more; the end of what it read goes first."""
        for key in reversed(keys):
            self._readers[key] -= 1
            if not self._readers[key]:
                del self._readers[key]
                self._unread[key] = None
