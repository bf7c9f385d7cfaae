"""The journal's lines: how they are written, chained, found and read."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from gateway.ledger.records import Kind

SUFFIX: Final = ".jsonl"
_CHAIN: Final = 1  # how lines are chained; part of every chain from its first value on


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the journal. `digest` is the chain's value at this line (hex)."""

    number: int
    digest: str
    kind: Kind
    body: bytes  # the record's JSON
    more: bool = False  # the next line was appended together with it

    @property
    def members(self) -> dict[str, Any]:
        """The record's fields that differ from their default."""
        members: dict[str, Any] = orjson.loads(self.body)
        return members


def genesis(journal: str) -> str:
    """The chain's value before a journal's first line."""
    return hashlib.sha256(f"weir ledger {_CHAIN} {journal}".encode()).hexdigest()


def chained(previous: str, number: int, kind: Kind, body: bytes) -> str:
    """The chain's value at a line, from the value before it."""
    return hashlib.sha256(f"{previous} {number} {kind} ".encode() + body).hexdigest()


def parse_line(text: bytes) -> Line:
    """One line as written by Journal, without its newline. Raises ValueError."""
    head, _, rest = text.partition(b',"record":')
    if not rest.endswith(b"}"):
        raise ValueError("the line does not end as a journal line does")
    fields = orjson.loads(head + b"}")
    return Line(fields["n"], fields["digest"], fields["kind"], rest[:-1], "more" in fields)


def segments(directory: Path) -> list[Path]:
    """The journal's files, oldest first."""
    return sorted(directory.glob(f"*{SUFFIX}"))


def first_of(segment: Path) -> int:
    """The number of a segment's first line."""
    return int(segment.stem)


def journal_id(directory: Path) -> str:
    """The journal's own id, made when it was begun: with a line's number it names that line for good."""
    return (directory / "journal.id").read_text().strip()


def read_lines(segment: Path) -> Iterator[Line]:
    """The whole lines of a segment. Raises ValueError for a line that is not a journal's."""
    with segment.open("rb") as file:
        for text in file:
            if not text.endswith(b"\n"):
                return
            yield parse_line(text[:-1])


class Reader:
    """Reads a journal forward, from the line behind `after`; each call goes on where the last one stopped."""

    def __init__(self, directory: Path, after: int = 0) -> None:
        self._directory = directory
        self._number = after
        self._segment: Path | None = None
        self._position = 0

    @property
    def line(self) -> int:
        """The last line that was read."""
        return self._number

    def read(self, up_to: int, most: int) -> list[Line]:
        """The next lines up to and including `up_to`, at most so many. Raises ValueError, OSError."""
        lines: list[Line] = []
        if self._segment is None:
            self._segment = self._first_segment()
        while self._segment is not None and self._number < up_to and len(lines) < most:
            if not self._read_on(self._segment, up_to, most, lines):
                break
        return lines

    def _first_segment(self) -> Path | None:
        """The segment of the next line; if that is gone, the oldest there is."""
        paths = segments(self._directory)
        begun = [path for path in paths if first_of(path) <= self._number + 1]
        found = begun[-1:] or paths[:1]
        return found[0] if found else None

    def _read_on(self, segment: Path, up_to: int, most: int, lines: list[Line]) -> bool:
        """Add lines of the segment at hand. True: it is read to its end, and another one follows."""
        with segment.open("rb") as file:
            file.seek(self._position)
            while len(lines) < most:
                text = file.readline()
                if not text.endswith(b"\n"):
                    return self._move_on(segment)
                line = parse_line(text[:-1])
                if line.number > up_to:
                    break
                self._position += len(text)
                if line.number > self._number:
                    self._number = line.number
                    lines.append(line)
        return False

    def _move_on(self, segment: Path) -> bool:
        following = [path for path in segments(self._directory) if first_of(path) > first_of(segment)]
        if following:
            self._segment, self._position = following[0], 0
        return bool(following)
