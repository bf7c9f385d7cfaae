"""Finds every trigger in a text in one pass: with Hyperscan where it is installed, in plain Python where it is not.

A trigger is cheap and says only "look here". What it leads to is confirmed by a rule, near the hit.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Protocol

hyperscan: Any
try:
    hyperscan = import_module("hyperscan")
except ImportError:  # no wheel for this platform: PlainEngine takes its place
    hyperscan = None

Hit = tuple[int, int]  # (end of the match in code points, index of the trigger)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A pattern in the syntax that Hyperscan and `re` share. Hyperscan matches UTF-8 bytes: classes and letter
    case are ASCII's. The rest makes plain Python quick: `needs` are literals in lower case of which every match
    holds one, and begins with one where it `leads`; `digits` says that a match has four digits close together."""

    pattern: str
    needs: tuple[str, ...] = ()
    caseless: bool = True
    leads: bool = False
    digits: bool = False
    hint: bool = False  # it only saves work elsewhere; plain Python does without


class Engine(Protocol):
    """A compiled set of triggers. One thread at a time: Hyperscan lets go of the GIL while it scans."""

    name: str
    hints: bool  # whether it looks for hints

    def scan(self, text: str) -> list[Hit]:
        """All hits in order of their ends. A trigger may hit once for each end that its match could have."""


def key(triggers: Sequence[Trigger]) -> str:
    """Names what `compile_triggers` makes of these triggers here: under one key, the bytes are interchangeable."""
    text = "\n".join(f"{t.caseless:d} {t.pattern}" for t in triggers)
    return hashlib.sha256(f"{_platform()}\n{text}".encode()).hexdigest()[:32]


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


def _platform() -> str:
    """Hyperscan's version and the processor features it compiles for."""
    if hyperscan is None:
        return "plain"
    probe = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    probe.compile(expressions=[b"a"], ids=[0], elements=1, flags=[0])
    return f"{hyperscan.__version__} {probe.info()!r}"


class HyperscanEngine:
    """All triggers at once, in about two microseconds per kilobyte."""

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
        return list(_in_code_points(data, found))

    def to_bytes(self) -> bytes:
        """The compiled database, for `load_triggers`."""
        compiled: bytes = hyperscan.dumpb(self._database)
        return compiled


def _in_code_points(data: bytes, hits: list[Hit]) -> Iterator[Hit]:
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


_DENSE: Final = re.compile(r"[0-9](?:[^0-9\n]{0,8}[0-9]){3}")
_FIRST: Final = 4  # code points of a literal by which it is looked for
_AROUND: Final = 48  # code points kept on both sides of dense digits


class PlainEngine:
    """The same hits with `re`: only where a literal or digits say that a pattern could match."""

    name = "plain"
    hints = False

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        self._led: dict[
            str, list[tuple[str, int, re.Pattern[str]]]
        ] = {}  # by the first characters of its literal
        self._others: list[tuple[int, Trigger, re.Pattern[str]]] = []
        for index, trigger in enumerate(triggers):
            if trigger.hint:
                continue
            pattern = re.compile(trigger.pattern, re.IGNORECASE * trigger.caseless | re.ASCII)
            if not trigger.leads:
                self._others.append((index, trigger, pattern))
            for literal in trigger.needs if trigger.leads else ():
                self._led.setdefault(literal[:_FIRST], []).append((literal, index, pattern))
        for beginning, entries in self._led.items():  # where a longer one is seen, a shorter one is too
            entries += [
                e
                for n in range(1, len(beginning))
                for e in self._led.get(beginning[:n], ())
                if e not in entries
            ]
        self._beginnings = re.compile(_any_of(sorted(self._led, key=len, reverse=True)))

    def scan(self, text: str) -> list[Hit]:
        """See Engine. A trigger that matches at several ends hits once, at its longest."""
        lower = _lower(text)
        found: list[Hit] = []
        sign = self._beginnings.search(lower)
        while sign is not None:
            at = sign.start()
            for literal, index, pattern in self._led[sign[0]]:
                if lower.startswith(literal, at):
                    match = pattern.match(text, at)
                    if match is not None:
                        found.append((match.end(), index))
            sign = self._beginnings.search(lower, at + 1)
        dense = _dense(text)
        for index, trigger, pattern in self._others:
            if trigger.needs and not any(literal in lower for literal in trigger.needs):
                continue
            for start, stop in dense if trigger.digits else ((0, len(text)),):
                found += [(match.end(), index) for match in pattern.finditer(text, start, stop)]
        found.sort()
        return found


def _any_of(beginnings: list[str]) -> str:
    """One pattern for them all, told apart by their first character, then by the rest: `re` tries few branches."""
    by_first: dict[str, list[str]] = {}
    for beginning in beginnings:
        by_first.setdefault(beginning[0], []).append(re.escape(beginning[1:]))
    branches = [f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in by_first.items()]
    return "|".join(branches) or r"(?!)"


def _dense(text: str) -> list[tuple[int, int]]:
    """The stretches around four digits that stand close together."""
    stretches: list[tuple[int, int]] = []
    for match in _DENSE.finditer(text):
        start, stop = max(0, match.start() - _AROUND), match.end() + _AROUND
        if stretches and start <= stretches[-1][1]:
            start = stretches.pop()[0]
        stretches.append((start, stop))
    return stretches


def _lower(text: str) -> str:
    """In lower case, each character in its place."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)
