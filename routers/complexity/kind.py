"""What kind of task it is, from words already read."""

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
