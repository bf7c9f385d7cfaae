"""Health tied to a person: a condition or treatment, with somebody whose it is.

Medicine as a subject is not sensitive: textbooks and examinations are full of patients without a name. So a condition
counts only beside a named person, a person close to the writer ("my wife"), or the writer ("I was diagnosed").
"""

import re
from typing import Final

from routers.sensitivity.near import Near
from routers.sensitivity.rule import Rule, rule

_CONDITIONS: Final = (
    r"cancer|tumou?r|leuk(?:a)?emia|lymphoma|melanoma|carcinoma|myeloma|sarcoma|metasta\w+|chemotherapy|radiotherapy|"
    r"diabet\w+|hypertension|stroke|heart (?:attack|failure|disease)|myocardial infarction|angina|arrhythmia|"
    r"hiv|aids|hepatitis(?: [abc])?|tuberculosis|syphilis|gonorrh?ea|chlamydia|herpes|hpv|covid(?:-19)?|sepsis|"
    r"depress(?:ion|ive)|bipolar(?: disorder)?|schizophreni\w+|anxiety(?: disorder)?|ptsd|ocd|adhd|autis\w+|psychosis|"
    r"anorexia|bulimia|eating disorder|panic disorder|personality disorder|suicid\w+|self-harm\w*|"
    r"opioid use disorder|alcohol use disorder|addiction|alcoholism|substance (?:abuse|use)|overdose|rehab|"
    r"epilep\w+|seizures?|migraines?|multiple sclerosis|parkinson\w*|alzheimer\w*|dementia|huntington\w*|als|"
    r"crohn\w*|ulcerative colitis|irritable bowel|coeliac|celiac|cirrhosis|pancreatitis|gastritis|"
    r"asthma|copd|emphysema|pneumonia|cystic fibrosis|sleep apn(?:o)?ea|"
    r"arthritis|lupus|fibromyalgia|osteoporosis|gout|psoriasis|eczema|endometriosis|pcos|"
    r"kidney (?:disease|failure)|renal failure|dialysis|transplant|anemia|anaemia|h(?:a)?emophilia|sickle cell|thrombosis|"
    r"pregnan\w+|miscarriage|abortion|infertility|ivf|stillbirth|down'?s? syndrome|"
    r"chronic (?:fatigue|pain|kidney disease)|glaucoma|hypothyroid\w*|hyperthyroid\w*|graves' disease|hashimoto\w*|"
    r"krebs|diabetes|depression(?:en)?|schwanger\w*|cáncer|embaraz\w+|depresión|sida|vih|épilepsie|grossesse|sclérose en plaques"
)
_TRIGGER: Final = (
    re.sub(r"\\w[*+]", "[a-z]{0,4}", _CONDITIONS).replace("(?:a)?", "a?").replace("(?:o)?", "o?")
)
_NAME: Final = r"(?-i:[A-Z][a-z'’\-]{1,20}|[A-ZÀ-Þ][\w'’\-]{1,20})(?: (?-i:[A-Z])\.?)?(?: (?-i:[A-ZÀ-Þ])[\w'’\-]{1,24}){1,2}"
_RELATIVE: Final = (
    r"\bmy (?:own |late |young(?:er)? |old(?:er)? |little |ex-?)?(?:wife|husband|partner|spouse|son|daughter|child|kid|baby|mother|mom|"
    r"mum|father|dad|brother|sister|grand(?:mother|father|ma|pa|son|daughter)|uncle|aunt|cousin|nephew|niece|boyfriend|girlfriend|"
    r"fianc[eé]e?|friend|colleague|co-?worker|boss|manager|employee|patient|client|neighbou?r|student|roommate)\b|"
    r"\bour (?:employee|colleague|patient|client|son|daughter|child|member|resident|student)\b|"
    r"\bmeine? (?:frau|mann|sohn|tochter|mutter|vater|kollegin|kollege|patient(?:in)?)\b|\bmi (?:esposa|marido|hijo|hija|madre|padre)\b|"
    r"\bma (?:femme|fille|mère|sœur|patiente)\b|\bmon (?:mari|fils|père|frère|patient)\b"
)
_SELF: Final = re.compile(
    r"\bi(?:'m| am| was| have been| got|'ve been| have| had|'ve had|'ve got| suffer| live with|'m living with)?(?: been)?"
    r"(?: just| recently| also)?(?: being)?(?: diagnosed| treated| tested positive| suffering| recovering| living with| hospitali[sz]ed|"
    r" taking| on medication| struggling| pregnant| hiv)|\bmy (?:diagnosis|condition|illness|disease|treatment|test results?|"
    r"medication|chemo\w*|pregnancy|depression|anxiety|cancer|diabetes|epilepsy|asthma|adhd|ptsd|hiv)\b|\bich (?:habe|leide)\b|\bj'ai\b",
    re.IGNORECASE,
)
_LINKED: Final = re.compile(
    rf"(?:\b(?:patient|pt|resident|client|employee|member|insured|beneficiary|claimant|customer|colleague|student|mr|mrs|ms|miss|dr|"
    rf"herr|frau|m|mme|sr|sra|patientin|paziente|paciente|pacjent)\.?:? {_NAME})|"
    rf"\b(?:name|patient|client|employee|member)\s*[:=|]\s*{_NAME}|{_RELATIVE}|"
    rf"{_NAME}(?:,? ?\(?(?:aged? )?[0-9]{{1,3}}(?: ?(?:yo|y/o|years? old|[mf]))?\)?,?| \([^)\n]{{2,24}}\))?"
    r"(?:'s|,)? (?:was|is|has|had|presents?|presented|suffers?|suffered|disclosed|reports?|reported|tested|takes?|lives? with|struggles|"
    r"underwent|receives?|received|complains|complained|needs|admitted|been|diagnos\w+|medical|health|cancer|condition)\b|"
    r"\bher name is|\bhis name is|\btheir name is",
    re.IGNORECASE,
)
_SUBJECT: Final = re.compile(  # examinations and textbooks
    r"\b(?:which of the following|most likely|a [0-9]{1,3}-year-old|[0-9]{1,3}-year-old (?:man|woman|male|female|boy|girl|patient)|\nA[.)] )|"
    r"\b[A-D][.)] ",
)


_ANYBODY: Final = re.compile(  # cheap: without one of these there is nobody
    r"[A-ZÀ-Þ][\w'’-]+ (?:[A-Z]\.? )?[A-ZÀ-Þ][\w'’-]+|\b(?:[Mm]y|[Oo]ur|I|[Nn]ame|i|meine?|mi|ma|mon|ich|j'ai)\b|[Pp]atient|[Mm]rs?\b|[Dd]r\b"
)


def _somebody_s(_: re.Match[str], near: Near) -> bool:
    """Whether somebody in particular has it, within the sentence or the record around it."""
    around = near.text[max(0, near.start - 220) : near.end + 120]
    if _ANYBODY.search(around) is None or _SUBJECT.search(around):
        return False
    return (
        _LINKED.search(around) is not None
        or _SELF.search(near.text[max(0, near.start - 90) : near.end]) is not None
    )


_STEMS: Final = tuple(
    {part.strip("(?:)")[:5].split("(")[0].split("\\")[0] for part in _CONDITIONS.split("|")}
)

RULES: Final[tuple[Rule, ...]] = (
    rule(
        "condition-of-a-person",
        "HEALTH_CONDITION",
        rf"\b(?:{_TRIGGER})\b",
        rf"(?<!\w)(?:{_CONDITIONS})(?!\w)",
        _somebody_s,
        back=40,
        ahead=24,
    ),
    rule(
        "diagnosis-of-a-person",
        "HEALTH_CONDITION",
        r"\b(?:dx|diagnosis|diagnoses|icd-?10|diagnose|diagnóstico|diagnostic)\b[ ]{0,2}[:=|]",
        r"(?<!\w)(?:dx|diagnos[ei]s|icd-?10|diagnose|diagnóstico|diagnostic)\b ?[:=|]\s*[^\s]{3,}",
        _somebody_s,
        needs=("dx", "diagnos", "icd", "diagnó"),
        back=40,
        ahead=60,
    ),
)
