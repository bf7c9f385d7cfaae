"""Sets of time as sorted, disjoint (begin, end) pairs in integer nanoseconds."""

from collections.abc import Iterable, Sequence

Span = tuple[int, int]


def union(spans: Iterable[Span]) -> list[Span]:
    """The spans merged where they touch."""
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if end <= begin:
            continue
        if merged and begin <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((begin, end))
    return merged


def outside(begin: int, end: int, taken: Sequence[Span]) -> list[Span]:
    """What of [begin, end] the merged spans leave."""
    left: list[Span] = []
    for start, stop in taken:
        if start > begin:
            left.append((begin, min(start, end)))
        begin = max(begin, stop)
        if begin >= end:
            return left
    left.append((begin, end))
    return left


def overlap(left: Sequence[Span], right: Sequence[Span]) -> int:
    """How long both hold."""
    total = 0
    for begin, end in left:
        for start, stop in right:
            if start >= end:
                break
            total += max(0, min(end, stop) - max(begin, start))
    return total


def length(spans: Iterable[Span]) -> int:
    """How long they are together."""
    return sum(end - begin for begin, end in spans)
