"""Health tied to a person: a condition or treatment, with somebody whose it is.

Medicine as a subject is not sensitive: textbooks and examinations are full of patients without a name. So a condition
counts only beside a named person, a person close to the writer ("my wife"), or the writer ("I was diagnosed").
"""

import re
from typing import Final

from routers.sensitivity.near import Near
from routers.sensitivity.rule import Rule, rule, stems

_CONDITIONS: Final = (
    r"cancer|tumou?r|leukaemia|leukemia|lymphoma|melanoma|carcinoma|myeloma|sarcoma|metasta\w+|chemotherapy|radiotherapy|"
    r"diabet\w+|hypertension|stroke|heart (?:attack|failure|disease)|myocardial infarction|angina|arrhythmia|"
    r"hiv|aids|hepatitis(?: [abc])?|tuberculosis|syphilis|gonorrh?ea|chlamydia|herpes|hpv|covid(?:-19)?|sepsis|"
    r"depress(?:ion|ive)|bipolar(?: disorder)?|schizophreni\w+|anxiety(?: disorder)?|ptsd|ocd|adhd|autis\w+|psychosis|"
    r"anorexia|bulimia|eating disorder|panic disorder|personality disorder|suicid\w+|self-harm\w*|"
    r"opioid use disorder|alcohol use disorder|addiction|alcoholism|substance (?:abuse|use)|overdose|rehab|"
    r"epilep\w+|seizures?|migraines?|multiple sclerosis|parkinson\w*|alzheimer\w*|dementia|huntington\w*|als|"
    r"crohn\w*|ulcerative colitis|irritable bowel|coeliac|celiac|cirrhosis|pancreatitis|gastritis|"
    r"asthma|copd|emphysema|pneumonia|cystic fibrosis|sleep apno?ea|"
    r"arthritis|lupus|fibromyalgia|osteoporosis|gout|psoriasis|eczema|endometriosis|pcos|"
    r"kidney (?:disease|failure)|renal failure|dialysis|transplant|anemia|anaemia|haemophilia|hemophilia|"
    r"sickle cell|thrombosis|"
    r"pregnan\w+|miscarriage|abortion|infertility|ivf|stillbirth|down'?s? syndrome|"
    r"chronic (?:fatigue|pain|kidney disease)|glaucoma|hypothyroid\w*|hyperthyroid\w*|graves' disease|hashimoto\w*|"
    r"krebs|diabetes|depression(?:en)?|schwanger\w*|cáncer|embaraz\w+|depresión|sida|vih|épilepsie|grossesse|"
    r"sclérose en plaques"
)
_TRIGGER: Final = re.sub(r"\\w[*+]", "[a-z]{0,4}", _CONDITIONS)
_NAME: Final = re.compile(
    r"[A-ZÀ-Þ][\w'\u2019-]{1,24} (?:[A-Z]\.? )?[A-ZÀ-Þ][\w'\u2019-]{1,24}(?: [A-ZÀ-Þ][\w'\u2019-]{1,24})?"
)
_TITLED: Final = re.compile(
    r"(?:(?<!\w)(?:patient|pt|resident|client|employee|member|insured|beneficiary|claimant|customer|colleague|student|candidate|"
    r"applicant|subject|mr|mrs|ms|miss|dr|herr|frau|m|mme|sr|sra|patientin|paziente|paciente|pacjent|name|kunde|klient)\b\.?|"
    r"name is)\W{0,4}$",
    re.IGNORECASE,
)
_ABOUT_THEM: Final = re.compile(
    r"(?:'s|\u2019s)?,? ?\(?(?:(?:aged?|dob|mrn|id|[0-9])[^)\n,]{0,20})?\)?,? ?(?:[0-9]{1,3} ?(?:yo|y/o|years? old|"
    r"[mf])\b,? )?"
    r"(?:who |she |he |they |also |just |recently |now |currently )?(?:was|is|has|had|presents?|presented|"
    r"suffers?|suffered|disclosed|"
    r"reports?|reported|tested|takes?|lives? with|struggles|underwent|receives?|received|complains|complained|"
    r"needs|admitted|been|"
    r"diagnos\w+|medical|health|cancer|condition|called in sick|on leave|developed|died|recover\w+|is being|"
    r"will undergo|sees?)\b",
    re.IGNORECASE,
)
_RELATIVE: Final = re.compile(
    r"\b(?:[Mm]y|[Oo]ur|[Mm]eine?|[Mm]i|[Mm]a|[Mm]on) (?:own |late |young(?:er|est)? |old(?:er|est)? |little |ex-?)?"
    r"(?:wife|husband|partner|spouse|son|daughter|child|kid|baby|mother|mom|mum|father|dad|brother|sister|twin|"
    r"grand(?:mother|father|ma|pa|son|daughter)|uncle|aunt|cousin|nephew|niece|boyfriend|girlfriend|fianc[eé]e?|friend|colleague|"
    r"co-?worker|boss|manager|employee|patient|client|neighbou?r|student|roommate|member|resident|frau|mann|sohn|tochter|mutter|"
    r"vater|kolleg(?:e|in)|chefin?|esposa|marido|hij[oa]|madre|padre|femme|mari|fille|fils|mère|père|sœur|frère)\b|"
    r"\b(?:mrs?|ms|herr|frau|mme|sig(?:nora)?|sra?)\.? (?-i:[A-ZÀ-Þ])\w+",
    re.IGNORECASE,
)
_SELF: Final = re.compile(
    r"\b[Ii](?:'m|\u2019m| am| was| have| had|'ve|\u2019ve)?(?: been| just| recently| also| got| being){0,2} "
    r"(?:diagnosed|"
    r"treated|tested positive|"
    r"suffer\w*|recovering|liv(?:e|ing) with|hospitali[sz]ed|taking|on medication|struggling|pregnant|hiv|had|have)\b|"
    r"\b[Mm]y (?:diagnosis|condition|illness|disease|treatment|test results?|medication|chemo\w*|pregnancy|"
    r"depression|anxiety|cancer|"
    r"diabetes|epilepsy|asthma|adhd|ptsd|hiv|doctor|therapist|psychiatrist)\b|\b[Ii]ch (?:habe|leide)\b|\bj'ai\b",
)
_SUBJECT: Final = re.compile(  # examinations and textbooks
    r"[Ww]hich of the|most likely|[0-9]{1,3}-year-old|\n[A-E][.)] |\b[A-D][.)] [A-Z]"
)


def _somebody_s(_: re.Match[str], near: Near) -> bool:
    """Whether somebody in particular has it, within the sentence or the record around it."""
    start = max(0, near.start - 220)
    around = near.text[start : near.end + 120]
    if _SUBJECT.search(around):
        return False
    if _RELATIVE.search(around) or _SELF.search(around, max(0, near.start - start - 90), near.end - start):
        return True
    return any(
        _TITLED.search(around, max(0, name.start() - 24), name.start())
        or _ABOUT_THEM.match(around, name.end())
        for name in _NAME.finditer(around)
    )


RULES: Final[tuple[Rule, ...]] = (
    rule(
        "condition-of-a-person",
        "HEALTH_CONDITION",
        rf"(?:{_TRIGGER})\b",
        rf"(?<!\w)(?:{_CONDITIONS})(?!\w)",
        _somebody_s,
        needs=stems(_CONDITIONS),
        leads=True,
        starts=True,
        back=40,
        ahead=24,
        rest=40,
    ),
    rule(
        "diagnosis-of-a-person",
        "HEALTH_CONDITION",
        r"\b(?:dx|diagnosis|diagnoses|icd-?10|diagnose|diagnóstico|diagnostic)\b[ ]{0,2}[:=|]",
        r"(?<!\w)(?:dx|diagnos[ei]s|icd-?10|diagnose|diagnóstico|diagnostic)\b ?[:=|]\s*[^\s]{3,}",
        _somebody_s,
        needs=("dx", "diagnos", "icd", "diagnó"),
        leads=True,
        back=40,
        ahead=60,
    ),
)
