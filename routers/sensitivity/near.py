"""The words around a candidate: they tell a social security number from a part number."""

import re
from typing import Final

BEFORE: Final = 100  # code points
AFTER: Final = 48
_HEADER: Final = 240
HEAD: Final = 4_000  # how far up the head of a table may be
_CELLS: Final = frozenset("|,;\t")


class Near:
    """The text before and behind one stretch `[start, end)`, in lower case, made only when asked for."""

    __slots__ = ("_after", "_before", "_header", "_named", "end", "start", "text")

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.start = start
        self.end = end
        self._before: str | None = None
        self._after: str | None = None
        self._header: str | None = None
        self._named: dict[re.Pattern[str], bool] = {}

    @property
    def before(self) -> str:
        """What stands before, to a hundred code points."""
        if self._before is None:
            self._before = self.text[max(0, self.start - BEFORE) : self.start].lower()
        return self._before

    @property
    def after(self) -> str:
        """What stands behind, to forty-eight code points."""
        if self._after is None:
            self._after = self.text[self.end : self.end + AFTER].lower()
        return self._after

    @property
    def header(self) -> str:
        """The first line of the block, where the candidate stands in a row of cells; else nothing."""
        if self._header is None:
            self._header = self._first_line()
        return self._header

    def _first_line(self) -> str:
        line = self.text.rfind("\n", max(0, self.start - 400), self.start) + 1
        if line == 0 or _CELLS.isdisjoint(self.text[line : self.start]):
            return ""
        above = max(0, line - HEAD)
        gap = self.text.rfind("\n\n", above, line)
        top = gap + 2 if gap >= 0 else above
        stop = self.text.find("\n", top)
        return self.text[top : min(stop, top + _HEADER)].lower()

    def named(self, words: re.Pattern[str]) -> bool:
        """Whether one of the words stands near: before, behind, or at the head of the column."""
        known = self._named.get(words)
        if known is None:
            known = self._named[words] = (
                words.search(self.before) is not None
                or words.search(self.after) is not None
                or words.search(self.header) is not None
            )
        return known

    def follows(self, words: re.Pattern[str]) -> bool:
        """Whether what stands right before ends with one of the words (the pattern anchors itself)."""
        return words.search(self.before) is not None
