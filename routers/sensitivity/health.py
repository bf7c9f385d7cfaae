"""Health tied to a person: a condition or treatment, with somebody whose it is.

Medicine as a subject is not sensitive: textbooks and examinations are full of patients without a name. So a condition
counts only beside a named person, a person close to the writer ("my wife"), or the writer ("I was diagnosed").
"""

import re
from typing import Final

from routers.sensitivity.conditions import ACRONYMS, CONDITIONS, ENDINGS
from routers.sensitivity.near import Near
from routers.sensitivity.persons import somebody
from routers.sensitivity.rule import Rule, by_letter, rule, stems

_TRIGGER: Final = re.sub(r"\\w[*+]", "[a-z]{0,4}", CONDITIONS)


def _somebody_s(match: re.Match[str], near: Near) -> bool:
    """Whether somebody in particular has it."""
    return match[0] not in ACRONYMS and somebody(near.text, near.start, near.end, near.header)


RULES: Final[tuple[Rule, ...]] = (
    rule(
        "condition-of-a-person",
        "HEALTH_CONDITION",
        rf"(?:{_TRIGGER})\b",
        rf"(?<!\w)(?:{by_letter(CONDITIONS)})(?!\w)",
        _somebody_s,
        needs=stems(CONDITIONS),
        leads=True,
        starts=True,
        back=40,
        ahead=24,
        rest=40,
    ),
    rule(
        "condition-by-its-ending",
        "HEALTH_CONDITION",
        rf"(?:{'|'.join(ENDINGS)})\b",
        rf"(?<![\w])[^\W\d_]{{3,24}}(?:{'|'.join(ENDINGS)})(?!\w)",
        _somebody_s,
        needs=ENDINGS,
        leads=True,
        ends=True,
        back=40,
        ahead=2,
        rest=40,
    ),
    rule(
        "diagnosis-of-a-person",
        "HEALTH_CONDITION",
        r"\b(?:dx|diagnosis|diagnoses|icd-?10|diagnose|diagnóstico|diagnostic|diagnosi|rozpoznanie)\b[ ]{0,2}[:=|]",
        r"(?<!\w)(?:dx|diagnos[ei]s|icd-?10|diagnose|diagnóstico|diagnostic|diagnosi|rozpoznanie)\b ?[:=|]\s*[^\s]{3,}",
        _somebody_s,
        needs=("dx", "diagnos", "icd", "diagnó", "rozpoznanie"),
        leads=True,
        back=40,
        ahead=60,
    ),
)
