"""What kind of task it is and in which language it is written, from words already read."""

from typing import Final

from routers.complexity.lexicon import folded
from routers.complexity.reading import OPEN, Reading

KINDS: Final = ("code", "maths", "extraction", "summarising", "translation", "chat", "reasoning", "creative")


_TRANSLATE: Final = folded(
    "translate translation translated übersetze übersetzen traduire traduis traduisez traduce traducir "
    "traduci tradurre traduza vertaal 翻译 翻訳 переведи перевод"
)
_SUMMARISE: Final = folded(
    "summarise summarize summary summarising summarizing tldr condense abridge recap zusammenfassen "
    "zusammenfassung fasse résume résumé résumer resume resumen resumir riassumi riassunto 总结 摘要 要約"
)
_EXTRACT: Final = folded(
    "extract extraction extracting parse fields entities entity classify categorize categorise label json "
    "csv tabulate extrahiere extraire extrae extraer estrai"
)
_CODE: Final = folded(
    "def class return import function python javascript typescript java rust golang sql html css bash "
    "regex code compile debug stacktrace traceback exception refactor algorithm api async endpoint docker "
    "kubernetes assert const struct void int bool null println unittest pytest git commit"
)
_MATHS: Final = folded(
    "solve equation integral derivative calculate compute probability polynomial matrix theorem frac sqrt "
    "sum triangle integer prime percent percentage fraction ratio cdot boxed modulo vector geometry "
    "algebra arithmetic berechne calcule calcula prove proof lemma continuous differentiable converges "
    "convergent eigenvalue eigenvalues logarithm beweise démontre demuestra dimostra"
)
_COUNT: Final = folded("many much total each per cost costs left altogether twice half more fewer")
_CREATE: Final = folded(
    "poem story haiku limerick lyrics song novel fiction slogan screenplay sonnet ballad rhyme tagline "
    "joke gedicht geschichte poème histoire poema historia cuento poesia"
)
_REASON: Final = folded(
    "why explain prove reason logic puzzle argue compare analyse analyze evaluate deduce infer clues "
    "assume suppose implications warum pourquoi"
)
_ASKING: Final = _TRANSLATE | _SUMMARISE | _CREATE | _EXTRACT  # what is asked for stands at a text's ends
_TELLING: Final = _ASKING | _CODE | _MATHS | _COUNT | _REASON


def kind_of(reading: Reading) -> str:
    """One of KINDS. What is asked for outranks what it is about: translating code is a translation."""
    words = reading.vocabulary & _TELLING  # few, so that what follows costs little
    size = len(reading.words)
    asking = words & _ASKING
    ends = asking.intersection(reading.words[:40] + reading.words[-40:]) if asking and size > 80 else asking
    if ends & _TRANSLATE:
        return "translation"
    if ends & _SUMMARISE:
        return "summarising"
    code, maths = len(words & _CODE), len(words & _MATHS)
    if code >= 3 or (code and size <= 40 and code > maths):
        return "code"
    if ends & _CREATE and reading.form == OPEN:
        return "creative"
    if ends & _EXTRACT and maths < 2:
        return "extraction"
    return _about(reading, words, maths, size)


def _about(reading: Reading, words: set[bytes], maths: int, size: int) -> str:
    if maths >= 2 or (maths and reading.numbers) or (reading.numbers >= 2 and len(words & _COUNT) >= 2):
        return "maths"
    if reading.form != OPEN or words & _REASON or size > 60:
        return "reasoning"
    return "chat"


_STOPWORDS: Final = {
    "en": "the of and to in is that it for was with are this what which you how does",
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


def _votes() -> dict[bytes, int]:
    """What each word says, as a number with a byte for each language: a sum of them counts all votes at once."""
    votes: dict[bytes, int] = {}
    for at, words in enumerate(_STOPWORDS.values()):
        for word in folded(words):
            votes[word] = votes.get(word, 0) + (1 << 8 * at)
    return votes


_VOTES: Final = _votes()
_STOPS: Final = frozenset(_VOTES)

# (first, last code point, language): kana before han, since Japanese mixes both
_SCRIPTS: Final = (
    (0x3040, 0x30FF, "ja"),
    (0xAC00, 0xD7AF, "ko"),
    (0x4E00, 0x9FFF, "zh"),
    (0x0400, 0x04FF, "ru"),
    (0x0600, 0x06FF, "ar"),
    (0x0590, 0x05FF, "he"),
    (0x0370, 0x03FF, "el"),
    (0x0900, 0x097F, "hi"),
    (0x0E00, 0x0E7F, "th"),
)
_UKRAINIAN: Final = frozenset("іїєґІЇЄҐ")
_SAMPLE: Final = 600  # characters looked at for a script


def language_of(reading: Reading) -> str:
    """ISO 639-1 code by script or by function words, `und` where neither speaks clearly."""
    if not reading.text.isascii():
        script = _script_of(reading.text[:_SAMPLE])
        if script:
            return script
    votes = sum(map(_VOTES.__getitem__, reading.vocabulary & _STOPS)).to_bytes(len(_LANGUAGES), "little")
    most = max(votes)
    if votes.count(most) > 1 or (most < 2 and len(reading.words) > 3):  # a tie, or too little said
        return "und"
    return _LANGUAGES[votes.index(most)]


def _script_of(sample: str) -> str:
    counts: dict[str, int] = {}
    foreign = [ord(char) for char in sample if char > "\u036f"]
    for code in foreign:
        for first, last, language in _SCRIPTS:
            if first <= code <= last:
                counts[language] = counts.get(language, 0) + 1
                break
    letters = sum(map(str.isalpha, sample)) or 1
    if sum(counts.values()) * 3 < letters:
        return ""
    if counts.get("ja", 0) * 10 >= counts.get("zh", 0) and "ja" in counts:
        return "ja"
    best = max(sorted(counts), key=counts.__getitem__)
    return "uk" if best == "ru" and any(char in _UKRAINIAN for char in sample) else best
