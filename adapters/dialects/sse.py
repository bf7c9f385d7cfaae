"""Server-sent events by their bytes: which events are whole, and what their data say.

Providers end lines with \\n, \\r\\n or \\r, send comments as keep-alives, and their events arrive cut
anywhere. `Frames` finds the whole events without looking into them, so that bytes pass on as they came.
"""

import re
from collections.abc import Iterator
from typing import Final

from adapters.document import AT_ONCE
from adapters.errors import UpstreamError
from adapters.stretches import cut, find, let_go

LONGEST_EVENT: Final = (
    32 * 1024 * 1024
)  # bytes; an event that does not end is an attack or a bug, not an answer

_blank_line = re.compile(rb"(?>\r\n|\n|\r){2}")  # atomic, so that one \r\n is not taken for two line ends
_line_end = re.compile(rb"\r\n|\n|\r")


class Frames:
    """Collects bytes until events are whole. Holds only the bytes of the event that has begun."""

    __slots__ = ("_held", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._held = 0

    def __len__(self) -> int:
        return self._held

    def feed(self, data: bytes) -> bytes:
        """All events that are whole now, as one run of bytes with their blank lines; the rest waits."""
        end = data.rfind(b"\n\n") + 2
        if end == 1 or self._pieces or b"\r" in data:
            if end == 1 and not self._may_end(data):
                self._hold(data)
                return b""
            data = b"".join((*self._pieces, data))
            if self._held > AT_ONCE:
                let_go(self._pieces)
            self._pieces.clear()
            self._held = 0
            end = _last_blank_line(data)
        if end < len(data):
            self._hold(data[end:])
            return cut(data, 0, end)
        return data

    def rest(self) -> bytes:
        """What came after the last whole event; empties it."""
        rest = b"".join(self._pieces)
        self._pieces.clear()
        self._held = 0
        return rest

    def _may_end(self, data: bytes) -> bool:
        """Whether an event could end in `data`, or where it joins what is held."""
        if b"\r" in data:
            return True
        return bool(self._pieces) and data.startswith(b"\n") and self._pieces[-1].endswith((b"\n", b"\r"))

    def _hold(self, data: bytes) -> None:
        if not data:
            return
        self._held += len(data)
        if self._held > LONGEST_EVENT:
            raise UpstreamError(
                "protocol", f"an event of the answer is longer than {LONGEST_EVENT} bytes", sent=True
            )
        self._pieces.append(data)


def _last_blank_line(data: bytes) -> int:
    """Where the last whole event ends (0 if none does)."""
    if b"\r" not in data:
        end = data.rfind(b"\n\n")
        return end + 2 if end >= 0 else 0
    end = 0
    if len(data) > AT_ONCE:
        return max([end for _, end in _long_events(data)], default=0)
    for match in _blank_line.finditer(data):
        end = match.end()
    return end


def split(run: bytes) -> list[bytes]:
    """The events of a run that `Frames.feed` gave, each with its blank line; joined, they are the run."""
    if len(run) > AT_ONCE:
        return _split_long(run)
    if b"\r" not in run:
        return [event + b"\n\n" for event in run.split(b"\n\n")[:-1]] if run else []
    events: list[bytes] = []
    start = 0
    for match in _blank_line.finditer(run):
        events.append(run[start : match.end()])
        start = match.end()
    return events


def payload(event: bytes) -> bytes | None:
    """What an event's `data` lines say, joined by line feeds; None for a comment or a bare `event:` line."""
    if len(event) > AT_ONCE:
        return _long_payload(event)
    if event.startswith(b"data: ") and event.find(b"\n") >= len(event) - 2 and b"\r" not in event:
        return event[6:].rstrip(b"\n")
    data = [line[5:].removeprefix(b" ") for line in _line_end.split(event) if line.startswith(b"data:")]
    return b"\n".join(data) if data else None


def _split_long(run: bytes) -> list[bytes]:
    """As `split`, a stretch at a time."""
    events: list[bytes] = []
    for start, end in _long_events(run):
        events.append(cut(run, start, end))
    return events


def _long_events(run: bytes) -> Iterator[tuple[int, int]]:
    """Where the events of a long run stand, those that are whole."""
    marks = _marks(run)
    start = at = 0
    while (at := _line_end_from(run, at, marks)) < len(run):
        blank = _blank_line.match(run, at)
        if blank is None:
            at += 2 if run.startswith(b"\r\n", at) else 1
        else:
            yield start, blank.end()
            start = at = blank.end()


def _long_payload(event: bytes) -> bytes | None:
    """As `payload`, a stretch at a time."""
    marks, data, at = _marks(event), [], 0
    while at < len(event):
        end = _line_end_from(event, at, marks)
        if event.startswith(b"data:", at):
            data.append(cut(event, at + (6 if event.startswith(b" ", at + 5) else 5), end))
        at = end + (2 if event.startswith(b"\r\n", end) else 1)
    return b"\n".join(data) if data else None


def _marks(run: bytes) -> tuple[bytes, ...]:
    """What ends lines in it: carriage returns are looked for once, and then only where there are any."""
    return (b"\n",) if find(run, b"\r") < 0 else (b"\n", b"\r")


def _line_end_from(run: bytes, at: int, marks: tuple[bytes, ...]) -> int:
    """Where the line ends that begins there."""
    return min([found for mark in marks if (found := find(run, mark, at)) >= 0], default=len(run))
