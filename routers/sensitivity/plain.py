"""The triggers in plain Python, for platforms without Hyperscan: `re` looks only where something could match.

Most triggers begin with a literal, and a text holds few of those: its words tell which (`vocabulary.py`), and only
there are the patterns tried. Literals that may stand inside a word become one tree, tried in the few places where a
match could count. What no literal tells is searched for, in such places too. All on the text in lower case, since
`re` is several times slower where it must not mind the case.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from routers.sensitivity.trigger import Hit, Place, Trigger, lowered
from routers.sensitivity.vocabulary import Literal, Vocabulary

_BEGINNING: Final = 5  # code points of a literal by which it is looked for
_COMMON: Final = (
    " etaoinsrhldcumfpgwybvkxjqz"  # the most frequent letters first, so that few branches are tried
)
_CAPITAL: Final = re.compile(r"\\.|[A-Z]", re.DOTALL)  # what is escaped has its case for a reason
_Spans = list[tuple[int, int]]  # starts and ends
_Tree = dict[str, "_Tree"]


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """A trigger to look for."""

    index: int
    pattern: re.Pattern[str]
    caseless: bool  # the pattern is for the text in lower case
    needs: frozenset[Literal]


class _Text:
    """A text under scan, and what has been found in it."""

    __slots__ = ("found", "lower", "text")

    def __init__(self, text: str) -> None:
        self.text: Final = (
            f"\n{text}"  # so that something stands before every word; ends are counted without it
        )
        self.lower: Final = lowered(self.text)
        self.found: Final[list[Hit]] = []

    def match(self, wanted: _Wanted, at: int) -> None:
        """Keep what matches from there on."""
        match = wanted.pattern.match(self.lower if wanted.caseless else self.text, at)
        if match is not None:
            self._keep(match, wanted)

    def search(self, wanted: _Wanted, spans: _Spans) -> None:
        """Keep what matches in these places."""
        text = self.lower if wanted.caseless else self.text
        for start, stop in spans:
            for match in wanted.pattern.finditer(text, start, stop):
                self._keep(match, wanted)

    def _keep(self, match: re.Match[str] | None, wanted: _Wanted) -> None:
        """A hit for each end that the match could have: which of them a rule confirms is not known here."""
        while match is not None:
            self.found.append((match.end() - 1, wanted.index))
            match = match.re.match(match.string, match.start(), match.end() - 1)


class _Inside:
    """The triggers that begin with a literal, which may stand inside a word, and may match in the same places."""

    def __init__(self, led: Iterable[tuple[Literal, _Wanted]]) -> None:
        entries = list(led)
        signs = _signs({literal.text[:_BEGINNING] for literal, _ in entries})
        self._led: Final = {sign: [one for one in entries if one[0].text.startswith(sign)] for sign in signs}
        self._pattern: Final = re.compile(_branches(_tree(signs)))

    def scan(self, under: _Text, spans: _Spans) -> None:
        """Keep what matches in these places."""
        lower = under.lower
        for start, stop in spans:
            sign = self._pattern.search(lower, start, stop)
            while sign is not None:
                at = sign.start()
                for literal, wanted in self._led[sign[0]]:
                    if lower.startswith(literal.text, at):
                        under.match(wanted, at)
                sign = self._pattern.search(lower, at + 1, stop)


class PlainEngine:
    """The same hits with `re`: only where a literal, digits or a long word say that a pattern could match."""

    name = "plain"
    hints = False

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        numbers: dict[Place | None, int] = {None: 0}
        inside: dict[int, list[tuple[Literal, _Wanted]]] = {}
        self._led: Final[
            dict[Literal, list[_Wanted]]
        ] = {}  # by a literal that begins them, wherever it stands
        self._others: Final[list[tuple[int, _Wanted]]] = []  # with the number of their place
        for index, trigger in enumerate(triggers):
            if trigger.hint:
                continue
            starts = trigger.starts or (trigger.leads and trigger.pattern.startswith(r"\b"))
            needs = frozenset(Literal(text, starts, trigger.ends) for text in trigger.needs)
            wanted = _Wanted(index, _compiled(trigger), trigger.caseless, needs)
            place = _number(trigger.among, numbers)
            if not trigger.leads:
                self._others.append((place, wanted))
            elif trigger.among is None:
                for literal in needs:
                    self._led.setdefault(literal, []).append(wanted)
            else:
                inside.setdefault(place, []).extend((literal, wanted) for literal in needs)
        self._places: Final = [(place, numbers[place.within]) for place in numbers if place is not None]
        self._inside: Final = [(place, _Inside(led)) for place, led in inside.items()]
        self._vocabulary: Final = Vocabulary(chain(self._led, *(wanted.needs for _, wanted in self._others)))

    def scan(self, text: str) -> list[Hit]:
        """See Engine."""
        under = _Text(text)
        held = self._vocabulary.held(under.lower)
        spans: list[_Spans] = [[(0, len(under.lower))]]
        for place, within in self._places:
            spans.append(_spans(place, under.lower, spans[within]))
        for literal in held & self._led.keys():
            for at in _stands(literal, under.lower):
                for wanted in self._led[literal]:
                    under.match(wanted, at)
        for number, literals in self._inside:
            literals.scan(under, spans[number])
        for number, wanted in self._others:
            if spans[number] and not (wanted.needs and held.isdisjoint(wanted.needs)):
                under.search(wanted, spans[number])
        under.found.sort()
        return under.found


def _number(place: Place | None, numbers: dict[Place | None, int]) -> int:
    """The place's number among all, given now if it has none: behind the one that it is within, and the whole text."""
    if place is not None and place not in numbers:
        _number(place.within, numbers)
        numbers[place] = len(numbers)
    return numbers[place]


def _compiled(trigger: Trigger) -> re.Pattern[str]:
    """The trigger's pattern; a caseless one is for a text in lower case."""
    pattern = trigger.pattern
    if trigger.caseless:
        pattern = _CAPITAL.sub(lambda piece: piece[0] if piece[0][0] == "\\" else piece[0].lower(), pattern)
    return re.compile(pattern, re.ASCII)


def _stands(literal: Literal, lower: str) -> Iterator[int]:
    """Where it stands."""
    at = lower.find(literal.text)
    while at >= 0:
        if not (literal.starts and "a" <= lower[at - 1] <= "z"):
            yield at
        at = lower.find(literal.text, at + 1)


def _spans(place: Place, lower: str, within: _Spans) -> _Spans:
    """Where the place is in the text, what overlaps taken together."""
    found: _Spans = []
    for first, last in within:
        for match in place.pattern.finditer(lower, first, last):
            start, stop = max(0, match.start() - place.before), match.end() + place.behind
            if found and start <= found[-1][1]:
                start = found.pop()[0]
            found.append((start, stop))
    return found


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
