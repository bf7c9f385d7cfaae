"""Which of a great many literals stand in a text: told from the words of the text, before any of them is searched for.

A search for one literal takes a pass over the text. But the words of a text are split, made a set and compared with
words in next to no time, and nearly every literal holds a word, or the beginning or the end of one.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

_WORDS: Final = bytes(octet if 97 <= octet <= 122 else 32 for octet in range(256))  # the rest are spaces
_COMMON: Final = b" 0123456789abcdefghijklmnopqrstuvwxyz?"  # a sign that is none of these tells something
_FOREIGN: Final = re.compile("[^\x00-\x7f]")
_RUN: Final = re.compile("[a-z]+|[^a-z0-9 ?]")
_HEAD: Final = (
    3  # letters by which words are looked up; where shorter beginnings are meant, each letter may follow
)
_TAIL: Final = 4
_WHOLE: Final = 2  # how many letters it is worth to know both ends of a word


class Literal(NamedTuple):  # since what is looked up for each text must be quick to hash
    """A text in lower case; where it `starts` with a letter, none stands right before it, and where it `ends` with
    one, none stands right behind it. Letters are ASCII's."""

    text: str
    starts: bool = False
    ends: bool = False

    def runs(self) -> list[tuple[str, bool, bool]]:
        """Its runs of letters, each with whether a word begins where it does, and whether one ends where it does. A
        sign is a word of its own."""
        return [
            (
                run[0],
                run.start() > 0 or self.starts or _sign(run[0]),
                run.end() < len(self.text) or self.ends or _sign(run[0]),
            )
            for run in _RUN.finditer(self.text)
        ]


_Entry = tuple[Literal, frozenset[str]]  # with the words that it holds whole


class Vocabulary:
    """Literals by one of the words, beginnings and ends of words that they hold."""

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
        """The literals that stand in a text in lower case. What stands right before and behind them is not looked
        at."""
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
        return {literal for literal, whole in maybe if whole <= words and literal[0] in lower}

    def _enter(self, literal: Literal) -> None:
        """Keep the literal by what tells most of it."""
        runs = literal.runs()
        entry = literal, frozenset(run for run, starts, ends in runs if starts and ends)
        best = max(runs, key=_telling, default=("", False, False))
        run, starts, ends = best
        if _telling(best) == 0:
            self._wordless.append(entry)
        elif starts and ends:
            self._whole.setdefault(run, []).append(entry)
        elif starts:
            self._begun.setdefault(run, []).append(entry)
        else:
            self._ended.setdefault(run, []).append(entry)


def _words(lower: str) -> set[str]:
    """The words and the signs of a text."""
    octets = lower.encode("ascii", "replace")
    words = set(octets.translate(_WORDS).decode("ascii").split())
    words.update(octets.translate(None, _COMMON).decode("ascii"))
    if not lower.isascii():
        words.update(_FOREIGN.findall(lower))
    return words


def _sign(run: str) -> bool:
    return not "a" <= run[0] <= "z"


def _telling(run: tuple[str, bool, bool]) -> int:
    """How much it tells that a text holds such a run; nothing where it cannot be looked up."""
    letters, starts, ends = run
    if starts and ends:
        return 1 if _sign(letters) else len(letters) + _WHOLE
    if starts:
        return len(letters) if len(letters) >= _HEAD - 1 else 0
    return len(letters) if ends and len(letters) >= _TAIL else 0


def _keys(head: str) -> list[str]:
    """What the first letters of a word may be that begins so."""
    if len(head) >= _HEAD:
        return [head[:_HEAD]]
    return [head, *(head + letter for letter in "abcdefghijklmnopqrstuvwxyz")]
