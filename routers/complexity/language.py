"""In which language a task is written, and what its words say in English."""

import re
from collections.abc import Set
from typing import Final

from routers.complexity.lexicon import folded
from routers.complexity.tally import ROOM, Tally
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


STOPWORDS: Final = {language: folded(words) for language, words in _STOPWORDS.items()}
_LANGUAGES: Final = tuple(STOPWORDS)
_FALSE_FRIENDS: Final = folded(
    "d n u y l z w e i o a of to is in on an as was no do over we per non total court question determine car list data "
    "contract half name land product volume force want suppose come war charge conditions patient co minutes "
    "president program error son capital angle prove ten base describe text door code double media continue film "
    "falls triangle met message die sea favor variance pays leg matrix graph plus compare hat ring vector brief van "
    "wet meter com pro las era integral al mayor links sang con comment matrices programme dan solo prima ore lied "
    "corps deduce dove hoe converge"
)  # English words in the dictionary's other columns
_HINTS: Final = Tally([SPACED.get(language, {}).keys() - _FALSE_FRIENDS for language in _LANGUAGES])
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
_DENSE: Final = (
    400  # characters without spaces between them that say as much as a task that is read in English
)
_WIDE: Final = "\u3002\uff0c\u3001\uff1f\uff01\uff1a\uff1b\uff08\uff09"  # full stop, comma, …, parentheses
_PLAIN: Final = (
    ("か\u3002", "? "),
    *((wide, f"{plain} ") for wide, plain in zip(_WIDE, ".,,?!:;()", strict=True)),
)


def _coded(pair: str) -> int:
    """Two characters as one number, as they are found in a text."""
    return int.from_bytes(pair.encode("utf-16-le"), "little")


_PAIRED: Final = {
    language: {_coded(pair): english for pair, english in entries.items()}
    for language, entries in UNSPACED.items()
}


_PAIRS: Final = {language: frozenset(entries) for language, entries in _PAIRED.items()}


def script_of(text: str) -> str:
    """ISO 639-1 code where the script tells the language, else nothing."""
    if text.isascii():
        return ""
    return _script_of(text if len(text) <= _SAMPLE else text[: 3 * _SAMPLE : 3])


def spoken(counts: bytes, vocabulary: Set[bytes], words: int) -> str:
    """ISO 639-1 code by the function words among a text's words, of which there are so many: `counts` says how many of
    each of STOPWORDS. Or by the dictionary's; `und` where neither speaks clearly."""
    said = _most(counts, 1 if words <= 3 else 2)
    if said == "und" and words <= _SHORT:
        return _most(_HINTS.of(vocabulary)[ROOM:], 2)
    return said


def _most(counts: bytes, least: int) -> str:
    most = max(counts)
    if counts.count(most) > 1 or most < least:  # a tie, or too little said
        return "und"
    return _LANGUAGES[counts.index(most)]


def in_english(words: list[bytes], language: str) -> list[bytes]:
    """The words, those in English of which the dictionary knows it; the same list where there is none."""
    entries = SPACED.get(language)
    return words if entries is None else list(map(entries.get, words, words))


def glossed(beyond: bytes, language: str) -> tuple[set[int], list[bytes]]:
    """Every two characters of a text without spaces, of which the ASCII was taken out, as numbers; and the English
    words for what any two neighbours say.
    """
    entries, known = _PAIRED[language], _PAIRS[language]
    wide = beyond.decode().encode("utf-16-le")
    grams = set(_grams(wide))
    said = (known & grams) | known.intersection(_grams(wide[2:]))
    return grams, [entries[pair] for pair in sorted(said)]


def _grams(wide: bytes) -> list[int]:
    return memoryview(wide[: len(wide) & -4]).cast("I").tolist()


def plain(text: str) -> str:
    """As much of a text without spaces as is read, half from its head, half from its tail, with the punctuation of one
    that has them."""
    if len(text) > _DENSE:
        text = f"{text[: _DENSE // 2]}\n{text[-_DENSE // 2 :]}"
    for wide, narrow in _PLAIN:
        text = text.replace(wide, narrow)
    return text


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
