"""Finds every trigger in a text in one pass: with Hyperscan where it is installed, in plain Python where it is not.

A trigger is cheap and says only "look here". What it leads to is confirmed by a rule, near the hit.
"""

import hashlib
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, Protocol

from routers.sensitivity.plain import PlainEngine
from routers.sensitivity.trigger import Hit, Trigger

hyperscan: Any
try:
    hyperscan = import_module("hyperscan")
except ImportError:  # no wheel for this platform: PlainEngine takes its place
    hyperscan = None


class Engine(Protocol):
    """A compiled set of triggers. One thread at a time: Hyperscan lets go of the GIL while it scans."""

    name: str
    hints: bool  # whether it looks for hints

    def scan(self, text: str) -> list[Hit]:
        """All hits in order of their ends. A trigger may hit once for each end that its match could have."""


def key(triggers: Sequence[Trigger]) -> str:
    """Names what `compile_triggers` makes of these triggers here: under one key, the bytes are interchangeable."""
    text = "\n".join(f"{t.caseless:d} {t.pattern}" for t in triggers)
    return hashlib.sha256(f"{platform()}\n{text}".encode()).hexdigest()[:32]


def compile_triggers(triggers: Sequence[Trigger]) -> Engine:
    """An engine for these triggers, compiled now (seconds for a thousand of them)."""
    if hyperscan is None:
        return PlainEngine(triggers)
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[t.pattern.encode() for t in triggers],
        ids=list(range(len(triggers))),
        elements=len(triggers),
        flags=[t.caseless * hyperscan.HS_FLAG_CASELESS for t in triggers],
    )
    return HyperscanEngine(database)


def load_triggers(triggers: Sequence[Trigger], compiled: bytes) -> Engine:
    """The engine that `HyperscanEngine.to_bytes` wrote for the same triggers. Raises ValueError if these bytes
    are none of this platform's."""
    if hyperscan is None:
        return PlainEngine(triggers)
    try:
        return HyperscanEngine(hyperscan.loadb(compiled, hyperscan.HS_MODE_BLOCK))
    except hyperscan.error as error:
        raise ValueError(f"not a pattern database of this platform: {type(error).__name__}") from None


def platform() -> str:
    """Hyperscan's version and the processor features it compiles for."""
    if hyperscan is None:
        return "plain"
    probe = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    probe.compile(expressions=[b"a"], ids=[0], elements=1, flags=[0])
    return f"{hyperscan.__version__} {probe.info()!r}"


class HyperscanEngine:
    """All triggers at once, in ten to twenty microseconds per kilobyte of prose."""

    name = "hyperscan"
    hints = True

    def __init__(self, database: Any) -> None:
        self._database = database
        self._database.scratch = hyperscan.Scratch(database)

    def scan(self, text: str) -> list[Hit]:
        """See Engine. Cost: one pass over the text, plus a quarter of a microsecond per hit."""
        found: list[Hit] = []
        append = found.append

        def hit(trigger: int, _start: int, end: int, _flags: int, _context: object) -> None:
            append((end, trigger))

        if text.isascii():
            self._database.scan(text.encode("ascii"), match_event_handler=hit)
            return found
        data = text.encode("utf-8", "surrogatepass")
        self._database.scan(data, match_event_handler=hit)
        return list(in_code_points(data, found))

    def to_bytes(self) -> bytes:
        """The compiled database, for `load_triggers`."""
        compiled: bytes = hyperscan.dumpb(self._database)
        return compiled


def in_code_points(data: bytes, hits: list[Hit]) -> Iterator[Hit]:
    """The same hits with their ends counted in code points: every byte but a continuation begins one."""
    at = points = 0
    for end, trigger in sorted(hits):
        if end > at:
            whole = end
            while whole < len(data) and data[whole] & 0xC0 == 0x80:  # inside a code point: count it whole
                whole += 1
            points += len(data[at:whole].decode("utf-8", "surrogatepass"))
            at = whole
        yield points, trigger
