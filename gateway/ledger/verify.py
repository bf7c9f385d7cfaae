"""Whether the ledger still says what was booked: the journal's chain, the database's rows, and both together.

The chain shows a changed, missing or inserted line to anyone who holds a later digest: the database's
checkpoints, or the head that `weir ledger verify` prints, kept where the gateway cannot write.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.ledger.encoding import encoded
from gateway.ledger.reading import Line, chained, first_of, genesis, journal_id, read_lines, segments
from gateway.ledger.records import Kind
from gateway.ledger.store import Store


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk found: `head` is the chain's value at the last line, `faults` are sentences, `met` says
    whether the chain went through the digest asked for."""

    journal: str
    lines: int
    last: int
    head: str
    faults: tuple[str, ...]
    met: bool


class _Walk:
    """The chain, followed line by line; after a fault it goes on from the digest that stands there."""

    def __init__(self, journal: str, most: int, seek: str) -> None:
        self._journal = journal
        self._seek = seek
        self._met = False
        self._most = most
        self._faults: list[str] = []
        self._lines = 0
        self.last = 0
        self.head = genesis(journal)

    def fault(self, sentence: str) -> None:
        if len(self._faults) < self._most:
            self._faults.append(sentence)

    def step(self, number: int, kind: Kind, body: bytes) -> str:
        """Take one line; the chain's value there, as computed."""
        if number != self.last + 1 and self.last:
            self.fault(f"lines {self.last + 1} to {number - 1} are missing")
        self._lines += 1
        self.last = number
        self.head = chained(self.head, number, kind, body)
        self._met = self._met or self.head == self._seek
        return self.head

    def trust(self, number: int, digest: str) -> None:
        """Go on from a line taken as given."""
        self.last, self.head = number, digest
        self._met = self._met or digest == self._seek

    def result(self) -> Verified:
        return Verified(self._journal, self._lines, self.last, self.head, tuple(self._faults), self._met)


def verify_journal(directory: Path, *, seek: str = "", most: int = 20) -> Verified:
    """Follow the chain through the journal's files that are still here. Raises OSError."""
    walk = _Walk(journal_id(directory), most, seek)
    for line in _journal_lines(directory, walk):
        if walk.last == 0 and line.number > 1:
            walk.trust(line.number, line.digest)  # earlier segments are shipped and gone: begin here
            continue
        if walk.step(line.number, line.kind, line.body) != line.digest:
            walk.fault(
                f"line {line.number}: the digest does not fit; it, or the line before, is not as written"
            )
            walk.trust(line.number, line.digest)
    return walk.result()


def _journal_lines(directory: Path, walk: _Walk) -> Iterator[Line]:
    for segment in segments(directory):
        try:
            yield from read_lines(segment)
        except ValueError as error:
            walk.fault(f"{segment.name}: a line behind line {walk.last} cannot be read: {error}")


def verify_store(store: Store, journal: str, *, seek: str = "", most: int = 20) -> Verified:
    """Compute the chain anew from the database's rows, and compare it with the checkpoints kept there."""
    walk = _Walk(journal, most, seek)
    start = store.pruned(journal)
    if start is not None:
        walk.trust(start.number, start.digest)  # what was discarded was sound then: prune goes by this chain
    checkpoints = iter([each for each in store.checkpoints(journal) if each.number > walk.last])
    checkpoint = next(checkpoints, None)
    since = walk.last + 1
    for number, kind, record in store.chain(journal, walk.last):
        walk.step(number, kind, encoded(record)[1])
        while checkpoint is not None and checkpoint.number <= number:
            if checkpoint.number < number or checkpoint.digest != walk.head:
                walk.fault(f"the rows of lines {since} to {checkpoint.number} are not as they were shipped")
                if checkpoint.number == number:
                    walk.trust(number, checkpoint.digest)
            since = checkpoint.number + 1
            checkpoint = next(checkpoints, None)
    if checkpoint is not None:
        walk.fault(f"the rows of lines {since} to {checkpoint.number} are missing")
    return walk.result()


def compare(store: Store, directory: Path, *, most: int = 20) -> Verified:
    """Hold each journal line that is still here and was shipped against its row in the database."""
    journal = journal_id(directory)
    walk = _Walk(journal, most, "")
    cursor = store.cursor(journal)
    shipped = cursor.number if cursor else 0
    pruned = store.pruned(journal)
    discarded = pruned.number if pruned else 0
    paths = segments(directory)
    with closing(store.chain(journal, first_of(paths[0]) - 1 if paths else 0)) as rows:
        row = next(rows, None)
        for line in _journal_lines(directory, walk):
            if line.number > shipped:
                break
            while row is not None and row[0] < line.number:
                row = next(rows, None)
            if row is None or row[0] != line.number:
                if line.number > discarded:
                    walk.fault(f"line {line.number} of the journal has no row in the database")
            elif (row[1], encoded(row[2])[1]) != (line.kind, line.body):
                walk.fault(f"line {line.number}: the database's row is not what the journal says")
            walk.step(line.number, line.kind, line.body)
            walk.trust(line.number, line.digest)
    return walk.result()
