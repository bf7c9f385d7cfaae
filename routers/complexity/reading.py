"""What is read off a task in microseconds, by training and scoring alike: hashed words, cheap structure."""

import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from math import log, log1p, sqrt
from typing import Final
from zlib import crc32

from routers.complexity.conversation import Task
from routers.complexity.language import STOPWORDS, glossed, in_english, plain, script_of, spoken
from routers.complexity.lexicon import FOLD, folded
from routers.complexity.lists import KINDS, TOPICS
from routers.complexity.tally import ROOM, Tally
from routers.complexity.tongues import UNSPACED

STEM: Final = (
    6  # bytes of a word that are hashed, so that "proof" and "proofs" differ and "integrals" does not
)
BITS: Final = 17
PAIRS: Final = 32  # words of a question's beginning that are hashed in pairs as well
MASK: Final = (1 << BITS) - 1
WORDS: Final = 600  # characters of a task whose words are read: half from its head, half from its tail

OPEN, FEW, MANY = 0, 1, 2  # forms: an open task, a choice of up to five answers, a choice of more
FORMS: Final = ("open", "few answers", "many answers")


_ASCII: Final = bytes(range(128))
_ASCII_WORDS: Final = FOLD[:128] + b" " * 128  # folds what is written without spaces, of which it leaves none
# Most of any text, and nothing that is counted in what is left.
_PLAIN: Final = b"abcdefghijklmnopqrstuvwxyz0123456789' " + bytes(range(128, 256))


def _sorts() -> bytes:
    """What is counted together, each as the first of its sort."""
    table = bytearray(range(256))
    for sort in (b"+*/^=<>|~", b"{}_;", b"([", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
        for code in sort:
            table[code] = sort[0]
    return bytes(table)


_SORTS: Final = _sorts()
_EACH_SORT: Final = b'\n?,.\\$+({"A'  # those that are facts
_ZERO: Final = ord("0")  # what every digit is folded to
_BLANK: Final = ord("_")  # of which a gap to fill in is made
_Options = tuple[int, int, float, float]
_OPTION: Final = re.compile(r"\n[ \t]*\(?[A-J][.):][ \t]?([^\n]*)")


MOST: Final = 3.0  # a scaled fact lies no further from 0


@dataclass(frozen=True, slots=True)
class Feature:
    """One cheap fact, never below 0, scaled as (x - centre) / spread and cut at ±MOST; `prior` is its hand-set pull."""

    name: str
    reason: str  # how a person reads it
    centre: float
    spread: float
    prior: float = 0.0

    @property
    def lowest(self) -> float:
        """The least that is told from less, unscaled."""
        return self.centre - MOST * self.spread

    @property
    def highest(self) -> float:
        """The most that is told from more, unscaled."""
        return self.centre + MOST * self.spread

    def scaled(self, fact: float) -> float:
        """The fact as training sees it."""
        return max(-MOST, min(MOST, (fact - self.centre) / self.spread))


FEATURES: Final = (
    Feature("length", "length of the task", 5.3, 1.0, 1.0),
    Feature("variety", "variety of words", 0.8, 0.12),
    Feature("word_length", "length of words", 5.2, 0.9),
    Feature("numbers", "numbers", 1.2, 1.0, 0.5),
    Feature("number_share", "share of numbers", 0.07, 0.1),
    Feature("lines", "lines", 1.6, 0.8),
    Feature("questions", "question marks", 0.015, 0.025),
    Feature("commas", "commas", 0.06, 0.06),
    Feature("stops", "full stops", 0.09, 0.07),
    Feature("backslashes", "LaTeX or escapes", 0.003, 0.012),
    Feature("dollars", "formulas or money", 0.015, 0.04),
    Feature("operators", "operators", 0.02, 0.06),
    Feature("brackets", "brackets", 0.02, 0.04),
    Feature("braces", "code punctuation", 0.015, 0.05),
    Feature("quotes", "quotations", 0.015, 0.03),
    Feature("capitals", "capital letters", 0.04, 0.03),
    Feature("not_ascii", "characters beyond ASCII", 0.005, 0.02),
    Feature("ends_asking", "ends on a question", 0.4, 0.5),
    Feature("blank", "a gap to fill in", 0.05, 0.2),
    Feature("options", "answers to choose from", 4.0, 3.7),
    Feature("option_length", "length of the answers", 2.0, 1.6),
    Feature("option_numbers", "answers that are numbers", 0.7, 1.8),
    Feature("proof", "asks for a proof", 0.02, 0.07),
    Feature("why", "asks for reasons", 0.04, 0.08),
    Feature("fact", "asks for a fact", 0.06, 0.12, -0.3),
    Feature("quantity", "asks for a quantity", 0.15, 0.15, 0.3),
    Feature("maths", "words of mathematics", 0.05, 0.1, 0.3),
    Feature("science", "words of science", 0.05, 0.12),
    Feature("code", "words of programming", 0.08, 0.12, 0.3),
    Feature("negation", "negations", 0.08, 0.11),
    Feature("condition", "conditions", 0.1, 0.12, 0.3),
    Feature("constraint", "constraints on the answer", 0.09, 0.11),
    Feature("law", "words of law", 0.03, 0.1),
    Feature("medicine", "words of medicine", 0.03, 0.09),
    Feature("passage", "a passage to read", 0.07, 0.12),
    Feature("judgement", "asks for a judgement", 0.03, 0.07),
    Feature("statement", "statements to weigh", 0.15, 0.16),
    Feature("turns", "turns before it", 0.0, 1.0, 0.3),
    Feature("tools", "tools on offer", 0.0, 1.0, 0.3),
    Feature("schema", "an output schema", 0.0, 1.0, 0.3),
)
# What is said of a text's alphabet where that says nothing of the task.
_ALPHABET: Final = next(feature.centre for feature in FEATURES if feature.name == "not_ascii")
_ENGLISH: Final = frozenset({"en", "und"})
_WIDER: Final = 3  # letters of English, beside its own two characters, that a pair says
_WIDE: Final = 3  # bytes of a character in UTF-8 that is written without spaces
# The lists that are counted: which function words a text has, which topics, which signs of a kind.
_LISTS: Final = (*STOPWORDS.values(), *map(folded, (*TOPICS.values(), *KINDS.values())))
TALLY: Final = Tally(_LISTS)
_TOPICS_AT: Final = ROOM + len(STOPWORDS)
_KINDS_AT: Final = _TOPICS_AT + len(TOPICS)
_COUNTED: Final = (TALLY.of,) * len(FORMS)
_NO_GRAMS: Final[set[int]] = set()


@dataclass(slots=True)  # not frozen: it is made for every request, and freezing costs a microsecond
class Said:
    """What a task's text comes to, whatever it is written in."""

    text: str
    chars: int  # of the whole task, were it in English
    raw: bytes  # the text in UTF-8
    width: int  # bytes of it, with the spaces it would have
    beyond: int  # bytes that are not ASCII
    numbers: int
    size: int  # how many words it has, by how many its parts have that were read
    read: int  # how many words were read
    distinct: int  # of these
    language: str  # ISO 639-1, or "und"
    meant: list[bytes]  # the words, folded, in English where the dictionary knows it: those that are weighed
    vocabulary: set[bytes]  # of `meant`
    grams: set[int]  # what is written without spaces, by two characters
    counts: bytes  # what TALLY says of its words; or the reader's pulls

    @property
    def signs(self) -> bytes:
        """How many of its words are in each list of KINDS."""
        return self.counts[_KINDS_AT:]


@dataclass(slots=True)  # not frozen, as `Said` is not
class Reading:
    """A task as the model sees it."""

    said: Said
    facts: list[float]  # in the order of FEATURES, as they are
    form: int

    @property
    def scaled(self) -> list[float]:
        """The facts as training sees them."""
        return [feature.scaled(fact) for feature, fact in zip(FEATURES, self.facts, strict=True)]


def beside(reading: Reading) -> list[int]:
    """The buckets of what is weighed beside words: two characters of a text without spaces, and the pairs of words
    that a question with answers to choose from begins with.

    There the wording is most of what tells hard from easy; elsewhere pairs gained nothing for their time, and neither
    did those of the answers.
    """
    found = [gram % MASK for gram in reading.said.grams]
    if reading.form == MANY:
        head = [word[:STEM] for word in reading.said.meant[:PAIRS]]
        # a pair's hash goes on from its first stem's
        found += [code & MASK for code in map(crc32, head[1:], map(crc32, head))]
    return found


def buckets_of(reading: Reading) -> list[int]:
    """The buckets of all that is weighed."""
    return [crc32(word[:STEM]) & MASK for word in reading.said.vocabulary] + beside(reading)


def read(task: Task, counted: Sequence[Callable[[Set[bytes]], bytes]] = _COUNTED) -> Reading:
    """Reads one task. Linear in its text, which `last_tasks` bounds. `counted` says, per form, what TALLY says of some
    words, and whatever else in the room before it."""
    language = script_of(task.text)
    unspaced = language in UNSPACED
    text = plain(task.text) if unspaced else task.text
    options = _options(text)
    form = OPEN if options[1] < 2 else FEW if options[1] <= 5 else MANY
    said = (_without_spaces if unspaced else _in_words)(task, text, language, counted[form])
    return Reading(said, _structure(task, said, options), form)


def _in_words(task: Task, text: str, language: str, counted: Callable[[Set[bytes]], bytes]) -> Said:
    raw = text.encode("utf-8", "replace")
    beyond = b"" if text.isascii() else raw.translate(None, _ASCII)
    part = text if len(text) <= WORDS else _ends(text)
    lower = (part.lower() if beyond and _has_capitals(beyond) else part).encode("utf-8", "replace")
    folded = lower.translate(FOLD)  # which folds ASCII only
    words = folded.split()
    vocabulary = set(words)
    read, distinct = len(words), len(vocabulary)
    counts = counted(vocabulary)
    language = language or spoken(counts[ROOM:_TOPICS_AT], vocabulary, read)
    meant = in_english(words, language)
    if meant is not words:
        vocabulary = set(meant)
        counts = counted(vocabulary)
    more = len(text) / len(part) if part else 1.0
    return Said(
        text,
        task.chars,
        raw,
        len(raw),
        len(beyond),
        round(more * _numbers(folded)),
        round(more * read),
        read,
        distinct,
        language,
        meant,
        vocabulary,
        _NO_GRAMS,
        counts,
    )


def _ends(text: str) -> str:
    """The head and the tail of a text, without the words they are cut from it in."""
    head, _, first = text[: WORDS // 2].rpartition(" ")
    last, _, tail = text[-WORDS // 2 :].partition(" ")
    return f"{head or first} {tail or last}"


def _without_spaces(task: Task, text: str, language: str, counted: Callable[[Set[bytes]], bytes]) -> Said:
    """A task in Chinese or Japanese: every two characters are a word, and it is as long as it would be in English."""
    raw = text.encode("utf-8", "replace")
    beyond = raw.translate(None, _ASCII)
    grams, glosses = glossed(beyond, language)
    folded = raw.translate(_ASCII_WORDS)
    others = folded.split()
    meant = glosses + others
    vocabulary = set(meant)
    size = len(others) + (len(beyond) // _WIDE + 1) // 2
    chars = task.chars + _WIDER * (task.chars - len(text) + size)
    distinct = len(vocabulary) - len(glosses) + len(grams)
    return Said(
        text,
        chars,
        raw,
        len(raw) + size,
        len(beyond),
        _numbers(folded),
        size,
        size,
        distinct,
        language,
        meant,
        vocabulary,
        grams,
        counted(vocabulary),
    )


def _numbers(folded: bytes) -> int:
    return folded.count(b" 0") + folded.startswith(b"0") if _ZERO in folded else 0


def _has_capitals(beyond: bytes) -> bool:
    """Whether any of the characters beyond ASCII is another in lower case."""
    said = beyond.decode()
    return said != said.lower()


def _structure(task: Task, said: Said, options: _Options) -> list[float]:
    """The facts in FEATURES' order."""
    raw, words, numbers = said.raw, said.size, said.numbers
    marks = raw.translate(None, _PLAIN)  # one pass over the text; what is counted is counted in what is left
    sorts, size = marks.translate(_SORTS), said.width or 1
    # most texts lack most sorts, and a look takes a third of the time of a count
    lines, asking, commas, stops, escapes, dollars, operators, brackets, braces, quotes, capitals = [
        sorts.count(sort) if sort in sorts else 0 for sort in _EACH_SORT
    ]
    per_word, per_read = 1 / (words or 1), 1 / (said.read or 1)
    root = sqrt(per_read)
    stem, answers, answer_length, answer_numbers = options
    return [
        log1p(max(said.chars - len(said.text) + stem, 0)),
        said.distinct * per_read,
        (said.width - words) * per_word,
        log1p(numbers),
        numbers * per_word,
        log1p(lines),
        asking * per_word,
        commas * per_word,
        stops * per_word,
        escapes / size,
        dollars * per_word,
        operators * per_word,
        brackets * per_word,
        braces * per_word,
        quotes * per_word,
        capitals / size,
        said.beyond / size if said.language in _ENGLISH else _ALPHABET,
        float(raw.rstrip().endswith(b"?")),
        float(_BLANK in marks and b"____" in raw),
        float(answers),
        answer_length,
        answer_numbers,
        *[root * each if each else 0.0 for each in said.counts[_TOPICS_AT:_KINDS_AT]],
        log1p(task.turns) / 2,
        log1p(task.tools) / 2,
        float(task.schema),
    ]


def _options(text: str) -> _Options:
    """Where the answers to choose from start, or where the text ends; their count, log length, and numbers."""
    none = len(text), 0, 0.0, 0.0
    # one character is found in a tenth of the time of two
    if "\n" not in text or ("\nB" not in text and "\n(B" not in text):
        return none
    first = _OPTION.search(text)
    answers = _OPTION.findall(text, first.start()) if first else []
    count = len(answers)
    if first is None or count < 2:
        return none
    lines = "\n".join(answers)  # so that a step over all of them is one call
    mean = (len(lines) - count + 1) / count
    bare = lines.replace(".", "").replace(",", "").split("\n")
    return first.start(), count, log(mean + 1), float(sum(map(str.isdigit, bare)))


def question_key(text: str) -> int:
    """Equal for prompts that ask the same, whatever their case, spacing and answers to choose from."""
    asked = text[: _options(text)[0]].lower().encode("utf-8", "replace")
    return crc32(b" ".join(asked.translate(FOLD).split()))


def choices(text: str) -> int:
    """How many answers a text offers to choose from; 0 for an open task."""
    return _options(text)[1]
