"""Which of a great many literals stand in a text: its words tell, before any of them is searched for.

A search for one literal takes a pass over the text. But a text is cut into words, and these compared with others, in
next to no time, and nearly every literal holds a word, or at least how one begins or ends.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_WORDS: Final = bytes(octet if chr(octet) in _LETTERS else 32 for octet in range(256))  # the rest are spaces
_NO_SIGNS: Final = f" 0123456789{_LETTERS}?".encode()  # `?` is what foreign characters become
_FOREIGN: Final = re.compile("[^\x00-\x7f]")
_RUN: Final = re.compile(r"[a-z]+|[^a-z0-9 ?]")
_HEAD: Final = 3  # letters by which the beginning of a word is looked up
_TAIL: Final = 4  # and its end
_WHOLE: Final = 2  # letters that it is worth to know a word from its beginning to its end


class Literal(NamedTuple):  # a tuple, since these are hashed for each text
    """A text in lower case. Where it `starts` and begins with a letter, no other letter stands right before it; where
    it `ends` and ends with one, none right behind it. Letters are ASCII's."""

    text: str
    starts: bool = False
    ends: bool = False


@dataclass(frozen=True, slots=True)
class _Run:
    """A run of letters in a literal, or a sign, which is a word of its own."""

    text: str
    begins: bool  # whether a word begins where it does
    ends: bool

    @property
    def whole(self) -> bool:
        """Whether it is a word, and not only a piece of one."""
        return self.begins and self.ends

    @property
    def telling(self) -> int:
        """How much it tells that a text holds it; nothing where it cannot be looked up."""
        if self.text[0] not in _LETTERS:
            return 1
        if self.whole:
            return len(self.text) + _WHOLE
        needed = _HEAD - 1 if self.begins else _TAIL if self.ends else len(self.text) + 1
        return len(self.text) if len(self.text) >= needed else 0


_Entry = tuple[Literal, frozenset[str]]  # with the words that it holds whole


class Vocabulary:
    """Literals by one of the words, or of the beginnings and ends of words, that they hold."""

    def __init__(self, literals: Iterable[Literal]) -> None:
        self._whole: Final[dict[str, list[_Entry]]] = {}
        self._begun: Final[dict[str, list[_Entry]]] = {}
        self._ended: Final[dict[str, list[_Entry]]] = {}
        self._wordless: Final[list[_Entry]] = []
        for literal in dict.fromkeys(literals):
            self._enter(literal)
        self._heads: Final[dict[str, list[str]]] = {}  # the beginnings by their first letters
        for head in self._begun:
            for key in _keys(head):
                self._heads.setdefault(key, []).append(head)
        self._tails: Final[dict[str, list[str]]] = {}  # the ends by their last ones
        for tail in self._ended:
            self._tails.setdefault(tail[-_TAIL:], []).append(tail)

    def held(self, lower: str) -> set[Literal]:
        """The literals that stand in a text in lower case, whatever stands right before and behind them."""
        words = _words(lower)
        maybe = list(self._wordless)
        for word in words & self._whole.keys():
            maybe += self._whole[word]
        heads, tails = self._heads, self._tails
        for word in [word for word in words if word[:_HEAD] in heads]:
            for head in heads[word[:_HEAD]]:
                if word.startswith(head):
                    maybe += self._begun[head]
        for word in [word for word in words if word[-_TAIL:] in tails]:
            for tail in tails[word[-_TAIL:]]:
                if word.endswith(tail):
                    maybe += self._ended[tail]
        return {literal for literal, whole in maybe if whole <= words and literal.text in lower}

    def _enter(self, literal: Literal) -> None:
        """Keep the literal by what tells most of it."""
        runs = _runs(literal)
        entry = literal, frozenset(run.text for run in runs if run.whole)
        best = max(runs, key=lambda run: run.telling, default=None)
        if best is None or not best.telling:
            self._wordless.append(entry)
        else:
            by = self._whole if best.whole else self._begun if best.begins else self._ended
            by.setdefault(best.text, []).append(entry)


def _runs(literal: Literal) -> list[_Run]:
    """What the literal is made of. Digits and spaces are in nearly every text, and tell nothing."""
    runs = [(run[0], run.start() > 0, run.end() < len(literal.text)) for run in _RUN.finditer(literal.text)]
    return [
        _Run(text, before or literal.starts, behind or literal.ends)
        if text[0] in _LETTERS
        else _Run(text, begins=True, ends=True)
        for text, before, behind in runs
    ]


def _words(lower: str) -> set[str]:
    """The words and the signs of a text."""
    octets = lower.encode("ascii", "replace")
    words = set(octets.translate(_WORDS).decode("ascii").split())
    words.update(octets.translate(None, _NO_SIGNS).decode("ascii"))
    if not lower.isascii():
        words.update(_FOREIGN.findall(lower))
    return words


def _keys(head: str) -> list[str]:
    """What the first letters of a word that begins so may be."""
    return [head[:_HEAD]] if len(head) >= _HEAD else [head, *(head + letter for letter in _LETTERS)]
