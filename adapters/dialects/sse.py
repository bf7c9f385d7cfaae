"""Server-sent events by their bytes: which events are whole, and what their data say.

Providers end lines with \\n, \\r\\n or \\r, send comments as keep-alives, and their events arrive cut
anywhere. `Frames` finds the whole events without looking into them, so that bytes pass on as they came.
"""

import re
from typing import Final

from adapters.errors import UpstreamError

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

    def feed(self, data: bytes) -> bytes:
        """All events that are whole now, as one run of bytes with their blank lines; the rest waits."""
        end = data.rfind(b"\n\n") + 2
        if end == 1 or self._pieces or b"\r" in data:
            if end == 1 and not self._may_end(data):
                self._hold(data)
                return b""
            data = b"".join((*self._pieces, data))
            self._pieces.clear()
            self._held = 0
            end = _last_blank_line(data)
        if end < len(data):
            self._hold(data[end:])
            return data[:end]
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
        return data.rfind(b"\n\n") + 2 if b"\n\n" in data else 0
    end = 0
    for match in _blank_line.finditer(data):
        end = match.end()
    return end


def split(run: bytes) -> list[bytes]:
    """The events of a run that `Frames.feed` gave, each with its blank line; joined, they are the run."""
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
    if event.startswith(b"data: ") and event.find(b"\n") >= len(event) - 2 and b"\r" not in event:
        return event[6:].rstrip(b"\n")
    data = [line[5:].removeprefix(b" ") for line in _line_end.split(event) if line.startswith(b"data:")]
    return b"\n".join(data) if data else None
