"""Old rows are discarded, hourly sums stay, and what is left can still be verified.

A journal's rows go from its first line on, without a gap, and only while their chain is sound: the chain's value
at the last line that went is kept, and verification begins there.
"""

from contextlib import closing
from typing import Final

from gateway.ledger.encoding import encoded
from gateway.ledger.reading import chained, genesis
from gateway.ledger.store import Cursor, Store

_SLICE: Final = 20_000  # lines in one transaction


class Unsound(Exception):  # noqa: N818  # it names the ledger's condition
    """Rows that would be discarded are not as they were booked; discarding them would hide that."""


def prune(store: Store, before: int) -> int:
    """Discard the rows older than `before` (UTC nanoseconds); how many lines went. Of a line that is younger than
    one behind it, both stay. Raises Unsound, StoreUnavailable, StoreUnfit."""
    lines = 0
    for journal in store.journals():
        start = store.pruned(journal) or Cursor(0, genesis(journal))
        last = store.expired(journal, start.number, before)
        while start.number < last:
            end = _followed(store, journal, start, min(last, start.number + _SLICE))
            store.discard(journal, end)
            lines += end.number - start.number
            start = end
    if lines:
        store.tidy(before)
    return lines


def _followed(store: Store, journal: str, start: Cursor, last: int) -> Cursor:
    """The chain's value at line `last`, from the rows behind `start`. Raises Unsound."""
    checkpoints = {each.number: each.digest for each in store.checkpoints(journal)}
    number, digest = start.number, start.digest
    with closing(store.chain(journal, number)) as rows:
        for line, _, record in rows:
            if line != number + 1:
                raise Unsound(f"lines {number + 1} to {line - 1} of journal {journal} have no rows")
            number, digest = line, chained(digest, line, *encoded(record))
            if checkpoints.get(number, digest) != digest:
                raise Unsound(f"rows of journal {journal} up to line {number} are not as they were shipped")
            if number == last:
                return Cursor(number, digest)
    raise Unsound(f"lines {number + 1} to {last} of journal {journal} have no rows")
