"""Which part of a long turn asks: rules of conduct and pasted documents around a question are not the task."""

import re
from itertools import islice
from typing import Final

from routers.complexity.lexicon import FOLD, words

LONG: Final = 600  # characters from which a turn may be mostly something other than what it asks
_ASK: Final = 500  # characters of what asks, at most
_BACK: Final = 4  # sentences that what asks at the end of a paragraph may have
_NEAR: Final = 2  # words in common by which a question belongs to a text it is set apart from
_ENOUGH: Final = 3  # telling words that a question has which can be judged by itself

_LABEL: Final = re.compile(
    r"\n[ \t]*(?:[#*]+ ?)?(?:user |customer |my |your )?"
    r"(?:question|task|request|query|message|instruction|q|frage|aufgabe|pregunta|tarea|domanda|pergunta|vraag|"
    r"pytanie)[ \t]*[*]*:\s*",
    re.IGNORECASE,
)
_ENDS: Final = (". ", "! ", "? ")
_ENDS_IN_LINES: Final = (*_ENDS, ".\n", "!\n", "?\n")
_CHOICE: Final = "\nB"  # the second of several answers to choose from
_ITEM: Final = re.compile(r"\n[ \t]*(?:[-*\u2022]|\d{1,2}[.)])[ \t]")
_CLUES: Final = 3  # lines of a list, or numbers, from which a text may be a puzzle or a problem
_QUANTITY: Final = words(
    "many much calculate compute total percent probability number average cost long far fast"
)
_JUDGING: Final = words(
    "advise assess analyse analyze evaluate discuss explain why prove justify determine decide derive compare argue "
    "diagnose diagnosis diagnoses design recommend liable claim claims should best likely cause causes contradict "
    "contradiction contradictions contradictory strategy plan solve debug fix implement implications risks "
    "warum haftet haftung begründe beurteile bewerte erörtere analysiere empfiehl pourquoi responsable justifie évalue "
    "conseille analiza justifica evalúa perché analizza valuta giustifica responsabile analise justifique avalie "
    "waarom aansprakelijk beoordeel verantwoord analyseer dlaczego oceń uzasadnij przeanalizuj odpowiada"
)  # a question with one of these wants more than to be looked up
_SAID: Final = re.compile(r"[^\W\d_]+")
# For bytes.translate: what stands between ASCII words as spaces.
_APART: Final = bytes(code if chr(code).isalpha() else 32 for code in range(128)) + bytes(range(128, 256))
_TELLING: Final = 4  # letters from which a word may tell what a text is about
_ASKS: Final = words(
    "what which who whom whose when where why how is are was were do does did can could should would will please "
    "write explain prove show find compute calculate determine solve translate summarize summarise list name say "
    "reply answer rewrite implement give tell describe compare discuss identify extract classify convert create "
    "draft make fix review analyse analyze evaluate decide suggest state derive design count "
    "was welche welcher welches wer wann wo warum wie bitte schreibe erkläre beweise zeige finde berechne bestimme "
    "löse übersetze fasse nenne sag sage antworte gib beschreibe vergleiche "
    "que quel quelle qui quand où pourquoi comment écris explique démontre calcule trouve détermine résous traduis "
    "résume cite dis réponds donne décris compare "
    "qué cuál quién cuándo dónde cómo escribe explica demuestra calcula encuentra determina resuelve traduce resume "
    "nombra di responde describe "
    "cosa quale chi quando dove perché come scrivi spiega dimostra calcola trova risolvi traduci riassumi nomina "
    "rispondi descrivi qual quem onde escreva explique prove calcule encontre resolva traduza resuma diga responda "
    "wat welke wie wanneer waar waarom hoe schrijf leg bewijs bereken vind los vertaal vat noem zeg antwoord "
    "co który kto kiedy gdzie dlaczego jak napisz wyjaśnij udowodnij oblicz znajdź przetłumacz podsumuj wymień powiedz"
)
_POINTS: Final = words(
    "above below following this these text passage document article context contract letter email code table data "
    "conversation transcript report paper excerpt author writer reader story title sentence "
    "statement according them instructions guidelines rules "
    "obigen folgenden diese dieser diesen dieses vertrag ci-dessus suivant cette este esta siguiente questo questa"
)
_COMMON: Final = words(
    "that this with from have been were will would could should must does what which when where there their they "
    "them then than your some many much more most other only also into about after before each every write please "
    "explain find give show answer question using used make good over such very just like name list within between"
)


def asking_part(text: str) -> str:
    """What a long turn asks, by itself or to be looked up in the rest; a turn that shows no such part is given back as
    it is, and so is one whose rest is what there is to judge, to solve or to mend.
    """
    if len(text) <= LONG:
        return text
    lines = "\n" in text  # one character is found in a tenth of the time of two or three
    if lines and _has_choices(text):
        return text
    turn = text.strip()
    found = (_set_apart(turn) if lines else None) or _at_the_end(turn)
    if found is None:
        return text
    ask, rest, apart = found
    if _is_work(rest) or _CHOICE in ask:
        return text
    said = _said(ask)
    telling = _telling(said)
    whole = _leans(said, telling, rest, apart) and (not apart or _is_to_be_solved(said, telling, rest))
    return text if whole else ask


def _has_choices(text: str) -> bool:
    """Whether there are answers to choose from, and no doubt of it."""
    return "\n(B" in text or (_CHOICE in text and ("\nB." in text or "\nB)" in text or "\nB:" in text))


def _set_apart(text: str) -> tuple[str, str, bool] | None:
    """A question with a label, or a first or last paragraph that asks; and what is around it."""
    start = max(len(text) - _ASK, 0)
    labels = list(_LABEL.finditer(text, start)) if ":" in text[start:] else []
    if labels and labels[-1].end() < len(text):
        return text[labels[-1].end() :], text[: labels[-1].start()].strip(), True
    before = text.rfind("\n\n")
    if before < 0:
        return None
    last = text[before:].strip()
    if len(last) <= _ASK and _does_ask(last):
        return last, text[:before].strip(), True
    after = text.find("\n\n")
    first = text[:after].strip()
    if len(first) <= _ASK and _does_ask(first):
        return first, text[after:].strip(), True
    return None


def _at_the_end(text: str) -> tuple[str, str, bool] | None:
    """The last sentences of a paragraph, where they ask and have nothing to do with what comes before."""
    first = max(len(text) - _ASK, 0)
    at = _last_begins(text, first, len(text))
    if at < 0 or not _does_ask(text[at:]):
        return None
    speaks_of = _telling(_said(text[at:]))
    for _ in range(_BACK - 1):
        start = _last_begins(text, first, len(text[:at].rstrip()) - 1)
        if start < 0:
            break
        before = _telling(_said(text[start:at]))
        if not before & speaks_of:
            break
        at, speaks_of = start, speaks_of | before
    return text[at:], text[:at].strip(), False


def _last_begins(text: str, first: int, end: int) -> int:
    """Where the last sentence up to `end` begins, if one before it ends behind `first`; else -1."""
    part, at = text[first:end], -1
    for mark in _ENDS_IN_LINES if "\n" in part else _ENDS:
        if mark[0] in part:
            at = max(at, part.rfind(mark))
    return -1 if at < 0 else end - len(part[at + 1 :].lstrip())


def _does_ask(text: str) -> bool:
    if not text or text[0] == "<":
        return False
    if text.endswith("?"):
        return True
    said = text.split(None, 2)
    return len(said) > 2 and said[0].lower().strip(",:;.!?\u00bf\u00a1\"'") in _ASKS


def _is_work(rest: str) -> bool:
    """Whether a text holds what a task works on: code, formulas, answers to choose from."""
    return (
        "\\" in rest
        or ("`" in rest and "```" in rest)  # one character is found in a tenth of the time of three
        or "\n    " in rest
        or _CHOICE in rest
        or rest.count("$") > 4
    )


def _is_to_be_solved(said: set[str], telling: set[str], rest: str) -> bool:
    """Whether every line of the rest may count: a case to be judged, a puzzle's clues, a problem's numbers."""
    if said & _JUDGING or not telling - _POINTS or len(_ITEM.findall(rest)) >= _CLUES:
        return True
    return bool(said & _QUANTITY) and _numbers(rest) >= _CLUES


def _numbers(text: str) -> int:
    return f" {text}".encode("utf-8", "replace").translate(FOLD).count(b" 0")


def _leans(said: set[str], telling: set[str], rest: str, apart: bool) -> bool:
    """Whether what asks points to the rest, speaks of the same things, or says too little to be a task by itself."""
    if said & _POINTS:
        return True
    if said & _JUDGING and len(telling - _JUDGING) < _ENOUGH:
        return True
    near = _NEAR if apart and len(telling) > _ENOUGH else 1
    shared = filter(rest.lower().__contains__, telling)
    return len(list(islice(shared, near))) == near


def _said(text: str) -> set[str]:
    text = text.lower()
    if text.isascii():
        return set(text.encode().translate(_APART).decode().split())
    return set(_SAID.findall(text))


def _telling(said: set[str]) -> set[str]:
    return {word for word in said if len(word) >= _TELLING} - _COMMON
