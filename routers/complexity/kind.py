"""What kind of task it is, from words already read."""

from typing import Final

from routers.complexity.lexicon import folded
from routers.complexity.lists import KINDS as SIGNS
from routers.complexity.reading import OPEN, Reading

KINDS: Final = ("code", "maths", "extraction", "summarising", "translation", "chat", "reasoning", "creative")

_END: Final = 40  # words: what is asked for stands at a text's ends
_TRANSLATION, _SUMMARISING, _EXTRACTION, _CREATIVE = (
    folded(SIGNS[kind]) for kind in ("translation", "summarising", "extraction", "creative")
)


def kind_of(reading: Reading) -> str:
    """One of KINDS. What is asked for outranks what it is about: translating code is a translation."""
    said = reading.said
    size = said.size
    translation, summarising, extraction, code, maths, creative, reasoning, counting = said.signs
    if size > 2 * _END and (translation or summarising or extraction or creative):
        ends = {*said.meant[:_END], *said.meant[-_END:]}
        translation, summarising = len(ends & _TRANSLATION), len(ends & _SUMMARISING)
        extraction, creative = len(ends & _EXTRACTION), len(ends & _CREATIVE)
    if translation:
        return "translation"
    if summarising:
        return "summarising"
    if code >= 3 or (code and size <= _END and code > maths):
        return "code"
    if creative and reading.form == OPEN:
        return "creative"
    if extraction and maths < 2:
        return "extraction"
    if maths >= 2 or (maths and said.numbers) or (said.numbers >= 2 and counting >= 2):
        return "maths"
    if reading.form != OPEN or reasoning or size > 60:
        return "reasoning"
    return "chat"
