"""In which language a task is written, and what its words say in English."""

import re
from collections.abc import Collection, Mapping, Set
from typing import Final

from routers.complexity.lexicon import folded
from routers.complexity.tongues import SPACED, UNSPACED

_STOPWORDS: Final = {
    "en": "the of and to in is that it for was with are this what which you how does who when where why did do on "
    "a an by at from i my his her they be been has have had not or if can will would as their its than then most",
    "de": "der die das und ist nicht ein eine zu den mit von wie auf für ich sie es im",
    "fr": "le la les et est une des du dans que pour qui sur pas avec vous je ce il",
    "es": "el los las y es una del que por para con como qué cómo su más lo se al",
    "it": "il gli di che è una per non con del della sono come nel questo si ho le",
    "pt": "o os as e é uma do da que não para com em um como mais na no você",
    "nl": "de het een en van is niet dat op te met voor zijn ik je wat er aan",
    "pl": "nie jest się na do w z że to jak i co czy dla przez tak ale",
    "sv": "och att det är en ett som på för av med inte den till jag om har",
    "da": "og at det er en et som på for af med ikke den til jeg om har",
    "cs": "je se na že to jak co pro jako ale by není které jsem",
    "tr": "bir ve bu için ile ne da de çok mi olarak kadar daha",
    "ro": "și este în la cu pe nu care din un o ce mai",
    "vi": "là của và có không cho được một những trong với này",
    "id": "yang dan di ini itu dengan untuk dari tidak adalah apa",
}


_LANGUAGES: Final = tuple(_STOPWORDS)


def _votes(lists: Mapping[str, Collection[bytes]]) -> dict[bytes, int]:
    """What each word says, as a number with a byte for each language: a sum of them counts all votes at once."""
    votes: dict[bytes, int] = {}
    for language, words in lists.items():
        for word in words:
            votes[word] = votes.get(word, 0) + (1 << 8 * _LANGUAGES.index(language))
    return votes


_VOTES: Final = _votes({language: folded(words) for language, words in _STOPWORDS.items()})
_STOPS: Final = frozenset(_VOTES)
_FALSE_FRIENDS: Final = folded(
    "d n u y l z w e i o a of to is in on an as was no do over we per non total court question determine car list data "
    "contract half name land product volume force want suppose come war charge conditions patient co minutes "
    "president program error son capital angle prove ten base describe text door code double media continue film "
    "falls triangle met message die sea favor variance pays leg matrix graph plus compare hat ring vector brief van "
    "wet meter com pro las era integral al mayor links sang con comment matrices programme dan solo prima ore lied "
    "corps deduce dove hoe converge"
)  # English words in the dictionary's other columns
_HINTS: Final = _votes({language: entries.keys() - _FALSE_FRIENDS for language, entries in SPACED.items()})
_HINTING: Final = frozenset(_HINTS)
_SHORT: Final = 60  # words up to which a text may be told by what the dictionary knows of it

_FOREIGN: Final = re.compile("[\u0370-\U0010ffff]+")
_SCRIPTS: Final = {
    "ja": "\u3040-\u30ff",
    "ko": "\uac00-\ud7af",
    "zh": "\u4e00-\u9fff",
    "ru": "\u0400-\u04ff",
    "ar": "\u0600-\u06ff",
    "he": "\u0590-\u05ff",
    "el": "\u0370-\u03ff",
    "hi": "\u0900-\u097f",
    "th": "\u0e00-\u0e7f",
}
_LETTERS: Final = {language: re.compile(f"[{script}]+") for language, script in _SCRIPTS.items()}
_UKRAINIAN: Final = frozenset("іїєґІЇЄҐ")
_SAMPLE: Final = (
    200  # characters looked at for a script: of a long text every third up to three times as many
)
_PIECES: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff]{1,2}|[^\u3040-\u30ff\u3400-\u9fff]+")
_DENSE: Final = (
    400  # characters without spaces between them that say as much as a task that is read in English
)
_WIDE: Final = "\u3002\uff0c\u3001\uff1f\uff01\uff1a\uff1b\uff08\uff09"  # full stop, comma, …, parentheses
_PLAIN: Final = (
    ("か\u3002", "? "),
    *((wide, f"{plain} ") for wide, plain in zip(_WIDE, ".,,?!:;()", strict=True)),
)
_PAIRED: Final = {
    language: {(pair[0], pair[1]): english for pair, english in entries.items()}
    for language, entries in UNSPACED.items()
}


def _pairs(entries: Collection[str]) -> re.Pattern[str]:
    """Finds each character that begins an entry before one that ends an entry, and that one too."""
    first, second = (re.escape("".join(sorted(set(chars)))) for chars in zip(*entries, strict=True))
    return re.compile(f"([{first}])(?=([{second}]))")


_PAIRS: Final = {language: _pairs(entries) for language, entries in UNSPACED.items()}


def script_of(text: str) -> str:
    """ISO 639-1 code where the script tells the language, else nothing."""
    if text.isascii():
        return ""
    return _script_of(text if len(text) <= _SAMPLE else text[: 3 * _SAMPLE : 3])


def spoken(vocabulary: Set[bytes], words: int) -> str:
    """ISO 639-1 code by the function words among a text's, of which there are so many, or by the dictionary's; `und`
    where neither speaks clearly."""
    said = _most(_VOTES, vocabulary & _STOPS, 1 if words <= 3 else 2)
    if said == "und" and words <= _SHORT:
        return _most(_HINTS, vocabulary & _HINTING, 2)
    return said


def _most(votes: Mapping[bytes, int], found: Set[bytes], least: int) -> str:
    counts = sum(map(votes.__getitem__, found)).to_bytes(len(_LANGUAGES), "little")
    most = max(counts)
    if counts.count(most) > 1 or most < least:  # a tie, or too little said
        return "und"
    return _LANGUAGES[counts.index(most)]


def in_english(words: list[bytes], language: str) -> list[bytes]:
    """The words, those in English of which the dictionary knows it; the same list where there is none."""
    entries = SPACED.get(language)
    return words if entries is None else list(map(entries.get, words, words))


def glossed(text: str, language: str) -> list[bytes]:
    """The English words for what a text without spaces says."""
    entries = _PAIRED[language]
    found = entries.keys() & set(_PAIRS[language].findall(text))
    return [entries[pair] for pair in sorted(found)]


def dense(text: str) -> str:
    """As much of a text without spaces as is read: half from its head, half from its tail."""
    return text if len(text) <= _DENSE else f"{text[: _DENSE // 2]}\n{text[-_DENSE // 2 :]}"


def spaced(text: str) -> str:
    """A text without spaces, in words of two characters, with the punctuation of one that has them."""
    for wide, plain in _PLAIN:
        text = text.replace(wide, plain)
    return " ".join(_PIECES.findall(text))


def _script_of(sample: str) -> str:
    foreign = _count(_FOREIGN, sample)
    if not foreign:
        return ""
    kana, han = _count(_LETTERS["ja"], sample), _count(_LETTERS["zh"], sample)
    japanese = kana > 0 and kana * 10 >= han
    if 2 * (kana + han if japanese else han) > len(sample):  # whatever the rest may be
        return "ja" if japanese else "zh"
    letters = sum(map(str.isalpha, sample)) or 1
    if foreign * 3 < letters:
        return ""
    counts = {language: _count(each, sample) for language, each in _LETTERS.items()}
    if sum(counts.values()) * 3 < letters:
        return ""
    if japanese:
        return "ja"
    best = max(sorted(counts), key=counts.__getitem__)
    return "uk" if best == "ru" and any(char in _UKRAINIAN for char in sample) else best


def _count(characters: re.Pattern[str], text: str) -> int:
    """How many of those characters a text has; the pattern takes a run of them at once."""
    return sum(map(len, characters.findall(text)))
