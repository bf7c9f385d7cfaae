"""The ids of traces and spans: a client's trace is continued, and every other id follows from the request's.

So whoever reads the ledger afterwards gives a span the same id that was sent upstream while it ran.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED: Final = 1


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace as a request belongs to it. `parent` is the client's span; empty: the trace begins here."""

    id: bytes
    parent: bytes
    sampled: bool


def continued(traceparent: str) -> str:
    """A client's W3C `traceparent` as it is kept; empty: it is none."""
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None or not int(found[1], 16) or not int(found[2], 16):
        return ""
    return traceparent if found[4] is None else traceparent[:55]


def trace_of(request: str, traceparent: str) -> Trace:
    """The trace of a request, by what was kept of the client's."""
    if not traceparent:
        return Trace(_digest(f"trace {request}", 16), b"", True)
    _, trace, parent, flags = traceparent.split("-")
    return Trace(bytes.fromhex(trace), bytes.fromhex(parent), bool(int(flags, 16) & _SAMPLED))


def span_of(record: str) -> bytes:
    """The id of a request's or an attempt's span, from the record's id."""
    return _digest(f"span {record}", 8)


def traceparent(request: str, kept: str, attempt: str) -> bytes:
    """What an attempt's provider is told."""
    trace = trace_of(request, kept)
    return f"00-{trace.id.hex()}-{span_of(attempt).hex()}-{int(trace.sampled):02x}".encode()


def _digest(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=size).digest()
