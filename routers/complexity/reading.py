"""What is read off a task in microseconds, by training and scoring alike: hashed words, cheap structure."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log, log1p, sqrt
from operator import itemgetter, mul, sub
from typing import Final
from zlib import crc32

from routers.complexity.conversation import Task
from routers.complexity.language import dense, glossed, in_english, script_of, spaced, spoken
from routers.complexity.tongues import UNSPACED

STEM: Final = (
    6  # bytes of a word that are hashed, so that "proof" and "proofs" differ and "integrals" does not
)
BITS: Final = 17
MASK: Final = (1 << BITS) - 1

OPEN, FEW, MANY = 0, 1, 2  # forms: an open task, a choice of up to five answers, a choice of more
FORMS: Final = ("open", "few answers", "many answers")


def _fold() -> bytes:
    """ASCII letters to lower case, digits to 0, other ASCII but the apostrophe to space; UTF-8 bytes stay."""
    table = bytearray(b" " * 128 + bytes(range(128, 256)))
    for code in range(128):
        char = chr(code)
        if char.isalpha():
            table[code] = ord(char.lower())
        elif char.isdigit():
            table[code] = ord("0")
    table[ord("'")] = ord("'")
    return bytes(table)


_FOLD: Final = _fold()
_stem: Final = itemgetter(slice(STEM))  # of a word; as an itemgetter it runs without Python's own loop
_ASCII: Final = bytes(range(128))
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
_OPTION: Final = re.compile(r"\n[ \t]*\(?[A-J][.):][ \t]?([^\n]*)")

_TOPICS: Final = {
    "proof": "prove show derive proof theorem lemma demonstrate justify verify deduce imply implies",
    "why": "how why explain reason because cause",
    "fact": "who whom whose when where name year born city country film actor song album president played "
    "wrote author",
    "quantity": "many much total each per percent percentage ratio average cost price rate half twice "
    "times more less fewer remaining left sum number calculate compute find determine solve",
    "maths": "equation function integral matrix vector polynomial prime integer triangle probability angle "
    "sin cos log sqrt frac mathbb derivative limit group ring field graph theorem cdot boxed "
    "begin align",
    "science": "velocity mass force energy temperature pressure volume kg cm mm ft lb mol voltage current "
    "circuit wavelength heat density gas atm degrees meter seconds charge electron hz",
    "code": "def return function python code list string array class int import print assert program write "
    "algorithm loop implement output input dict tuple sql",
    "negation": "not except least never false incorrect neither nor cannot without unless none",
    "condition": "if then suppose assume given let such that unless when otherwise provided",
    "constraint": "must only exactly least most between words sentence sentences using all following "
    "format include every",
    "law": "court defendant plaintiff statute contract liable law legal evidence jury appeal rule",
    "medicine": "patient history pain blood treatment disease symptoms drug cell dna protein gene",
    "passage": "passage according author following information excerpt century war king government social "
    "theory people",
    "judgement": "should best likely primarily mainly major important would",
    "statement": "which following statement statements true correct",
}


@dataclass(frozen=True, slots=True)
class Feature:
    """One cheap fact, scaled as (x - centre) / spread and cut at ±3; `prior` is its hand-set pull."""

    name: str
    reason: str  # how a person reads it
    centre: float
    spread: float
    prior: float = 0.0


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
    Feature("option_overlap", "answers that resemble each other", 0.15, 0.2),
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
_TOPIC_AT: Final = {
    name: next(i for i, feature in enumerate(FEATURES) if feature.name == name) for name in _TOPICS
}


def _topic_words() -> dict[bytes, tuple[int, ...]]:
    places: dict[bytes, tuple[int, ...]] = {}
    for name, words in _TOPICS.items():
        for word in words.split():
            places[word.encode()] = (*places.get(word.encode(), ()), _TOPIC_AT[name])
    return places


_NOT_ASCII: Final = next(i for i, feature in enumerate(FEATURES) if feature.name == "not_ascii")
_ENGLISH: Final = frozenset({"en", "und"})
_WIDER: Final = 3  # letters of English, beside its own two characters, that a pair says
_TOPIC_WORDS: Final = _topic_words()
_TOPIC_KEYS: Final = frozenset(_TOPIC_WORDS)
_NO_TOPICS: Final = (0.0,) * len(_TOPICS)
_CENTRES: Final = tuple(feature.centre for feature in FEATURES)
_PERS: Final = tuple(1 / feature.spread for feature in FEATURES)


@dataclass(slots=True)  # not frozen: it is made for every request, and freezing costs a microsecond
class Reading:
    """A task as the model sees it."""

    text: str
    facts: list[float]  # scaled, in the order of FEATURES
    form: int
    numbers: int
    words: list[bytes]  # folded, in order
    language: str  # ISO 639-1, or "und"
    meant: list[bytes]  # the words, in English where the dictionary knows it: those that are weighed
    vocabulary: set[bytes]  # of `meant`

    @property
    def codes(self) -> Collection[int]:
        """CRC-32s of its distinct stems, the low BITS of which are the bucket; in a question with answers to choose
        from also of neighbouring stems.

        There the wording is most of what tells hard from easy; elsewhere pairs gained nothing for their time.
        """
        if self.form == OPEN:
            return list(map(crc32, set(map(_stem, self.vocabulary))))
        stems = list(map(_stem, self.meant))
        codes = list(map(crc32, stems))
        return {*codes, *map(crc32, stems[1:], codes)}  # a pair's hash goes on from its first stem's


def read(task: Task) -> Reading:
    """Reads one task. Linear in its text, which `last_task` bounds."""
    language = script_of(task.text)
    gloss: list[bytes] = []
    if language in UNSPACED:
        gloss, task = _with_spaces(task, language)
    text = task.text
    raw = text.encode("utf-8", "replace")
    beyond = b"" if text.isascii() else raw.translate(None, _ASCII)
    lower = text.lower().encode("utf-8", "replace") if _has_capitals(beyond) else raw
    folded = lower.translate(_FOLD)  # which folds ASCII only
    words = folded.split()
    distinct = set(words)
    language = language or spoken(distinct, len(words))
    if language in UNSPACED:
        meant, vocabulary = gloss + words, distinct.union(gloss)
    else:
        meant = in_english(words, language)
        vocabulary = distinct if meant is words else set(meant)

    numbers = (folded.count(b" 0") if b"0" in folded else 0) + folded.startswith(b"0")
    facts, form = _structure(task, raw, len(beyond), numbers, len(words), len(distinct))
    if language not in _ENGLISH:
        facts[_NOT_ASCII] = FEATURES[_NOT_ASCII].centre  # its alphabet, which says nothing of the task
    root = 1 / sqrt(len(words) or 1)
    for word in vocabulary & _TOPIC_KEYS:
        for place in _TOPIC_WORDS[word]:
            facts[place] += root
    scaled = list(map(mul, map(sub, facts, _CENTRES), _PERS))
    return Reading(text, _cut(scaled), form, numbers, words, language, meant, vocabulary)


def _cut(facts: list[float]) -> list[float]:
    """The facts, none beyond ±3. Few are: they are found by their order, without a look at each."""
    ordered = sorted(facts)
    for fact in ordered:
        if fact >= -3.0:
            break
        facts[facts.index(fact)] = -3.0
    for fact in reversed(ordered):
        if fact <= 3.0:
            break
        facts[facts.index(fact)] = 3.0
    return facts


def _with_spaces(task: Task, language: str) -> tuple[list[bytes], Task]:
    """What a task in a script without spaces says in English; the task in words, and as long as it would be there."""
    text = dense(task.text)
    words = spaced(text)
    chars = task.chars + _WIDER * (task.chars - len(text) + len(words) - len(text))
    return glossed(text, language), replace(task, text=words, chars=chars)


def _has_capitals(beyond: bytes) -> bool:
    """Whether any of the characters beyond ASCII is another in lower case."""
    said = beyond.decode()
    return said != said.lower()


def _structure(
    task: Task, raw: bytes, beyond: int, numbers: int, words: int, distinct: int
) -> tuple[list[float], int]:
    """The facts in FEATURES' order, topics still at zero, and the form; `beyond` counts the bytes beyond ASCII."""
    marks = raw.translate(None, _PLAIN)  # one pass over the text; what is counted is counted in what is left
    size, per_word, count = len(raw) or 1, 1 / (words or 1), marks.translate(_SORTS).count
    stem, options, option_length, overlap, option_numbers = _options(task.text)
    facts = [
        log1p(max(task.chars - len(task.text) + stem, 0)),
        distinct * per_word,
        (size - words) * per_word,
        log1p(numbers),
        numbers * per_word,
        log1p(count(b"\n")),
        count(b"?") * per_word,
        count(b",") * per_word,
        count(b".") * per_word,
        count(b"\\") / size,
        count(b"$") * per_word,
        count(b"+") * per_word,
        count(b"(") * per_word,
        count(b"{") * per_word,
        count(b'"') * per_word,
        count(b"A") / size,
        beyond / size,
        float(raw.rstrip().endswith(b"?")),
        float(b"____" in marks and b"____" in raw),
        float(options),
        option_length,
        overlap,
        option_numbers,
        *_NO_TOPICS,
        log1p(task.turns) / 2,
        log1p(task.tools) / 2,
        float(task.schema),
    ]
    return facts, OPEN if options < 2 else FEW if options <= 5 else MANY


def _options(text: str) -> tuple[int, int, float, float, float]:
    """Where the answers to choose from start; their count, log length, likeness, and numbers."""
    if "\n" not in text or ("\nB" not in text and "\n(B" not in text):
        return len(text), 0, 0.0, 0.0, 0.0
    first = _OPTION.search(text)
    answers = _OPTION.findall(text, first.start()) if first else []
    count = len(answers)
    if first is None or count < 2:
        return len(text), 0, 0.0, 0.0, 0.0
    lines = "\n".join(answers)  # so that a step over all of them is one call
    bare = lines.replace(".", "").replace(",", "").split("\n")
    numeric = sum(map(str.isdigit, map(str.strip, bare)))
    said = list(map(set, map(str.split, lines.lower().split("\n"))))
    shared = sum([len(one & other) / (len(one) + 1) for one, other in pairwise(said)])
    mean = (len(lines) - count + 1) / count
    return first.start(), count, log(mean + 1), shared / (count - 1), float(numeric)


def question_key(text: str) -> int:
    """Equal for prompts that ask the same, whatever their case, spacing and answers to choose from."""
    asked = text[: _options(text)[0]].lower().encode("utf-8", "replace")
    return crc32(b" ".join(asked.translate(_FOLD).split()))


def choices(text: str) -> int:
    """How many answers a text offers to choose from; 0 for an open task."""
    return _options(text)[1]
