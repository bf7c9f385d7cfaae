"""The triggers in plain Python, for platforms without Hyperscan: `re` looks only where something could match.

`re` tries a pattern of many branches letter by letter, so the beginnings of all literals become one tree, tried only
where words begin or in the few places where a match could count.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from routers.sensitivity.trigger import Hit, Place, Trigger

_BEGINNING: Final = 5  # code points of a literal by which it is looked for
_COMMON: Final = (
    " etaoinsrhldcumfpgwybvkxjqz"  # the most frequent letters first, so that few branches are tried
)
_Led = tuple[str, int, re.Pattern[str]]  # a literal, the trigger that it leads, its pattern
_Tree = dict[str, "_Tree"]


class _Literals:
    """The triggers that begin with a literal and may do so in the same places."""

    def __init__(self, led: Iterable[_Led], starts: bool, place: Place | None) -> None:
        self.place: Final = place
        entries = list(led)
        signs = _signs({literal[:_BEGINNING] for literal, _, _ in entries})
        self._led: Final = {sign: [one for one in entries if one[0].startswith(sign)] for sign in signs}
        self._before: Final = int(starts)  # code points of the pattern that stand before the literal
        self._pattern: Final = re.compile(f"{'[^a-z]' * starts}{_branches(_tree(signs))}")

    def scan(self, text: str, lower: str, start: int, stop: int, found: list[Hit]) -> None:
        """Add what matches from `start` on to `found`."""
        search = self._pattern.search
        sign = search(lower, start, stop)
        while sign is not None:
            at = sign.start() + self._before
            for literal, index, pattern in self._led[lower[at : sign.end()]]:
                if lower.startswith(literal, at):
                    _ends(pattern, pattern.match(text, at), index, found)
            sign = search(lower, sign.start() + 1, stop)


class PlainEngine:
    """The same hits with `re`: only where a literal, digits or a long word say that a pattern could match."""

    name = "plain"
    hints = False

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        led: dict[tuple[bool, Place | None], list[_Led]] = {}
        self._others: list[tuple[int, Trigger, re.Pattern[str]]] = []
        for index, trigger in enumerate(triggers):
            if trigger.hint:
                continue
            pattern = re.compile(trigger.pattern, re.IGNORECASE * trigger.caseless | re.ASCII)
            if not trigger.leads:
                self._others.append((index, trigger, pattern))
                continue
            starts = trigger.starts or trigger.pattern.startswith(r"\b")
            led.setdefault((starts, trigger.among), []).extend(
                (literal, index, pattern) for literal in trigger.needs
            )
        self._literals = [_Literals(entries, starts, place) for (starts, place), entries in led.items()]
        self._places = {place for _, place in led} | {trigger.among for _, trigger, _ in self._others}

    def scan(self, text: str) -> list[Hit]:
        """See Engine."""
        text = f"\n{text}"  # so that something stands before every word; ends are counted without it
        lower = _lower(text)
        stretches = {place: _stretches(text, place) for place in self._places}
        found: list[Hit] = []
        for literals in self._literals:
            for start, stop in stretches.get(literals.place, ()):
                literals.scan(text, lower, start, stop, found)
        for index, trigger, pattern in self._others:
            if trigger.needs and not any(literal in lower for literal in trigger.needs):
                continue
            for start, stop in stretches[trigger.among]:
                for match in pattern.finditer(text, start, stop):
                    _ends(pattern, match, index, found)
        found.sort()
        return found


def _ends(pattern: re.Pattern[str], match: re.Match[str] | None, index: int, found: list[Hit]) -> None:
    """Add a hit for each end that the match could have: which of them a rule confirms is not known here."""
    while match is not None:
        found.append((match.end() - 1, index))
        match = pattern.match(match.string, match.start(), match.end() - 1)


def _signs(beginnings: set[str]) -> list[str]:
    """The beginnings without those that begin with a shorter one: where the longer is, the shorter is too."""
    signs: list[str] = []
    for beginning in sorted(beginnings, key=len):
        if not any(beginning.startswith(sign) for sign in signs):
            signs.append(beginning)
    return signs


def _tree(words: Iterable[str]) -> _Tree:
    """The words by their first characters, their second ones, and so on."""
    root: _Tree = {}
    for word in words:
        at = root
        for char in word:
            at = at.setdefault(char, {})
    return root


def _branches(tree: _Tree) -> str:
    """A pattern that matches each word of the tree (no word of which begins with another), common letters first."""
    chars = sorted(tree, key=lambda char: (_COMMON.find(char) % len(_COMMON), char))
    if not any(tree.values()):
        return f"[{''.join(map(re.escape, chars))}]" if chars else ""
    branches = [re.escape(char) + _branches(tree[char]) for char in chars]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


def _stretches(text: str, place: Place | None) -> list[tuple[int, int]]:
    """Where the place is in the text, what overlaps taken together; the whole text for no place in particular."""
    if place is None:
        return [(0, len(text))]
    found: list[tuple[int, int]] = []
    for match in place.pattern.finditer(text):
        start, stop = max(0, match.start() - place.before), match.end() + place.behind
        if found and start <= found[-1][1]:
            start = found.pop()[0]
        found.append((start, stop))
    return found


def _lower(text: str) -> str:
    """In lower case, each character in its place."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)
