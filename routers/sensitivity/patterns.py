"""The tenant's own regular expressions: matched all at once, in time that grows with the text alone.

What a tenant writes may be such that `re` never comes to an end with it, and while it runs nothing else does. Hyperscan
takes time in proportion to the text whatever the expression, and says where matches end; `re` is asked where they begin
only of expressions that are sure to take it no time to speak of (`bounded.py`). Where Hyperscan's wheel is missing `re`
has to do it all: `bounded` says whether it is sure to end, and who labels does the rest where it can be stopped.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

from routers.sensitivity.bounded import ways
from routers.sensitivity.engine import hyperscan, in_code_points, platform
from routers.sensitivity.trigger import Hit

Match = tuple[
    int, int, int
]  # start and end in code points, and which expression it was; from 0 to 0: somewhere

_AROUND: Final = 200  # code points on each side of a hit in which its match is looked for
_STEPS: Final = 2_000_000  # of `re`, for one hit or piece: some ten milliseconds at the most
_PIECE: Final = 8_704  # code points of the longest text that is scanned at once


class Patterns(Protocol):
    """Compiled expressions. One thread at a time."""

    @property
    def bounded(self) -> bool:
        """Whether a scan is sure to come to an end, and soon."""

    def scan(self, text: str) -> list[Match]:
        """What matches; matches of one expression do not overlap."""


def fault(pattern: str) -> str:
    """Why an expression cannot be used, in words for who wrote it; empty: it can."""
    try:
        compiled = re.compile(pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        return f"it is no regular expression: {error}"
    if compiled.match("") is not None:
        return "it matches nothing at all: ask for one character at least"
    if hyperscan is None:
        return ""
    try:
        _compiled([pattern])
    except (hyperscan.error, UnicodeEncodeError) as error:
        return (
            f"it cannot be matched in one pass, with all others: {str(error).rstrip('.')} (write it shorter, without"
            " looking around or back)"
        )
    return ""


def compile_patterns(patterns: Mapping[str, str]) -> Patterns:
    """Expressions by name, compiled now, numbered in their order. Raises ValueError naming one that cannot be."""
    for name, pattern in patterns.items():
        if why := fault(pattern):
            raise ValueError(f"sensitivity pattern {name!r}: {why}")
    if hyperscan is None:
        return PlainPatterns(patterns)
    return HyperscanPatterns(patterns, _compiled(list(patterns.values())))


def load_patterns(patterns: Mapping[str, str], compiled: bytes) -> Patterns:
    """What `HyperscanPatterns.to_bytes` wrote for the same expressions. Raises ValueError if these bytes are none of
    this platform's."""
    if hyperscan is None:
        return PlainPatterns(patterns)
    try:
        return HyperscanPatterns(patterns, hyperscan.loadb(compiled, hyperscan.HS_MODE_BLOCK))
    except hyperscan.error as error:
        raise ValueError(f"not a pattern database of this platform: {type(error).__name__}") from None


def key(patterns: Mapping[str, str]) -> str:
    """Names what `compile_patterns` makes of these here: under one key, the bytes are interchangeable."""
    text = "\n".join(patterns.values())
    return hashlib.sha256(f"own\n{platform()}\n{text}".encode(errors="replace")).hexdigest()[:32]


def _compiled(patterns: list[str]) -> Any:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[pattern.encode() for pattern in patterns],
        ids=list(range(len(patterns))),
        elements=len(patterns),
        flags=[hyperscan.HS_FLAG_UTF8] * len(patterns),  # with SOM_LEFTMOST it would crash over some texts
    )
    return database


class HyperscanPatterns:
    """All expressions in one pass."""

    bounded: Final = True

    def __init__(self, patterns: Mapping[str, str], database: Any) -> None:
        self._database = database
        self._database.scratch = hyperscan.Scratch(database)
        self._quick: Final = [_quick(pattern, 2 * _AROUND) for pattern in patterns.values()]

    def scan(self, text: str) -> list[Match]:
        """See Patterns. An expression that `re` could take long over has one match, from 0 to 0."""
        hits: list[Hit] = []

        def hit(index: int, _start: int, end: int, _flags: int, _context: object) -> None:
            hits.append((end, index))

        data = text.encode("utf-8", "replace")  # halves of surrogate pairs become question marks, one for one
        self._database.scan(data, match_event_handler=hit)
        found: dict[Match, None] = {}
        done: dict[int, int] = {}  # by expression: up to where its hits are answered
        for end, index in in_code_points(data, hits):
            lowest = done.get(index, 0)
            quick = self._quick[index]
            if quick is None:
                found[0, 0, index] = None
            elif end > lowest:
                start, stop = _place(quick, text, lowest, end)
                done[index] = max(end, stop)
                found[start, stop, index] = None
        return list(found)

    def to_bytes(self) -> bytes:
        """The compiled database, for `load_patterns`."""
        compiled: bytes = hyperscan.dumpb(self._database)
        return compiled


def _quick(pattern: str, length: int) -> re.Pattern[str] | None:
    """The expression, where `re` is sure to be done with a text of that length soon."""
    return re.compile(pattern, re.ASCII) if ways(pattern, length) * length <= _STEPS else None


def _place(quick: re.Pattern[str], text: str, lowest: int, end: int) -> tuple[int, int]:
    """Where the match stands that ends at `end` or goes on behind it; from 0 to 0 where that is not seen."""
    for match in quick.finditer(text, max(lowest, end - _AROUND), end + _AROUND):
        if match.end() >= end:
            return match.span() if match.start() < end else (0, 0)
    return 0, 0


class PlainPatterns:
    """The same with `re`, which may take for ever over an expression that is badly made."""

    def __init__(self, patterns: Mapping[str, str]) -> None:
        self._patterns: Final = [re.compile(pattern, re.ASCII) for pattern in patterns.values()]
        self.bounded: Final = all(_quick(pattern, _PIECE) for pattern in patterns.values())

    def scan(self, text: str) -> list[Match]:
        """See Patterns."""
        return [
            (*match.span(), index)
            for index, pattern in enumerate(self._patterns)
            for match in pattern.finditer(text)
        ]
