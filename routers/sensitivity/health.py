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
    r"krebs|krebserkrank\w+|brustkrebs|diabetes|depression(?:en)?|schwanger\w*|multiple[rn]? sklerose|epilepsie|"
    r"demen[zt]\w*|schlaganfall|herzinfarkt|fehlgeburt|"
    r"cáncer|embaraz\w+|depresión|sida|vih|epilepsia|esclerosis múltiple|demencia|tumor|infarto|"
    r"épilepsie|grossesse|sclérose en plaques|dépression|diabète|schizophrénie|démence|fausse couche|"
    r"cancro|tumore|diabete|epilessia|depressione|gravidanza|sclerosi multipla|demenza|incinta|"
    r"câncer|diabetes|depressão|gravidez|grávida|epilepsia|esclerose múltipla|"
    r"kanker|zwanger\w*|depressie|beroerte|hartaanval|"
    r"nowotw\w+|cukrzyc\w+|padaczk\w+|depresj\w+|ciąż\w+|"
    r"leuk[äa]mie|leucemia|leucémie|niereninsuffizienz|herzinsuffizienz|insuffisance (?:rénale|cardiaque)|enceinte de|"
    r"cancer (?:du|de la|des|de l)|bipolar\w*|miscarried|hysterectomy|mastectomy|vasectomy|appendicitis|bypass surgery|"
    r"biopsy|chemo\b|t1dm|t2dm|spinal injury|peanut allergy|penicillin allergy|cocaine|heroin\b|opioids|stillborn|"
    r"brain tumou?r|antidepressants?|insulin|methadone|"
    r"burnout|adhs|alcoholic|sick leave|krankgeschrieben|arrêt maladie|baja médica|ziekteverlof|"
    r"metformin|warfarin|lithium|sertraline|fluoxetine|escitalopram|clozapine|methylphenidate|oxycodone|methotrexate|"
    r"tamoxifen|levothyroxine|prozac|zoloft|xanax|ritalin|adderall|truvada|ozempic"
)
_TRIGGER: Final = re.sub(r"\\w[*+]", "[a-z]{0,4}", _CONDITIONS)
_NAME: Final = re.compile(
    r"(?!(?:The|This|That|These|Those|In|On|At|For|When|If|By|With|Our|Their|And|But|While|After|Since|Which|"
    r"What|How) )"
    r"[A-ZÀ-Þ][\w'\u2019-]{1,24} (?:[A-Z]\.? )?[A-ZÀ-Þ][\w'\u2019-]{1,24}(?: [A-ZÀ-Þ][\w'\u2019-]{1,24})?|"
    r"(?<=[a-z:,(] )[A-Z]\. ?[A-ZÀ-Þ][\w'\u2019-]{2,24}|"
    r"[A-ZÀ-Þ][\w'\u2019-]{1,24}, [A-ZÀ-Þ][\w'\u2019-]{1,24}(?= ?\(| leidet| suffers| souffre| was diagnosed)"
)
_NAMED: Final = re.compile(  # a name that begins with what it is the name of
    r"(?:Patient|Pt|Mrs?|Ms|Miss|Dr|Herrn?|Frau|Client|Employee|Member|Claimant|Resident|Colleague|Student|Mme|Sra?|Signor)\b"
)
_TITLED: Final = re.compile(
    r"(?:(?<!\w)(?:patient|pt|resident|client|employee|member|insured|beneficiary|claimant|customer|colleague|student|candidate|"
    r"applicant|subject|mr|mrs|ms|miss|dr|herr|frau|m|mme|sr|sra|patientin|paziente|paciente|pacjent|name|kunde|klient)\b\.?|"
    r"name is|(?:results?|report|record|chart|notes?|referral|prescription|letter|claim|leave|card|e-?mail) "
    r"(?:for|of|on|to|about))"
    r"\W{0,4}$",
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
    r"will (?:undergo|be out)|sees?|is out|went (?:to|into)|sustained|uses|reveals?|revealed|shows?|relapsed|"
    r"wurde|hat|hatte|leidet|litt|ist an|ist schwanger|erlitt|est (?:en|atteinte?|enceinte)|souffre|a été|a fait|"
    r"soffre|è (?:malat\w|incinta|affett\w)|ha (?:avuto|il|la|un)|tiene|padece|sufre|está embarazada|fue "
    r"diagnosticad\w|"
    r"tem|sofre|foi diagnosticad\w|está grávida|heeft|lijdt|is zwanger|ma|choruje|cierpi)(?!\w)",
    re.IGNORECASE,
)
_RELATIVE: Final = re.compile(
    r"\b(?:[Mm]y|[Oo]ur|[Mm]eine?|[Mm]i|[Mm]a|[Mm]on) (?:own |late |young(?:er|est)? |old(?:er|est)? |little |ex-?)?"
    r"(?:wife|husband|partner|spouse|son|daughter|child|kid|baby|mother|mom|mum|father|dad|brother|sister|twin|"
    r"grand(?:mother|father|ma|pa|son|daughter)|uncle|aunt|cousin|nephew|niece|boyfriend|girlfriend|fianc[eé]e?|friend|colleague|"
    r"co-?worker|boss|manager|employee|patient|client|neighbou?r|student|roommate|member|resident|frau|mann|sohn|tochter|mutter|"
    r"vater|kolleg(?:e|in)|chefin?|schwester|bruder|oma|opa|freundin?|esposa|marido|hij[oa]|madre|padre|herman[oa]|abuel[oa]|"
    r"jef[ea]|femme|mari|fille|fils|mère|père|sœur|frère|collègue|grand-mère|grand-père)\b|"
    r"\b(?:notre|nos|unsere?|nuestr[oa]|il nostro|la nostra|noss[oa]) (?:collègue|employée?|salariée?|patiente?|"
    r"kolleg(?:e|in)|"
    r"mitarbeiter(?:in)?|compañer[oa]|emplead[oa]|paciente|collega|dipendente|funcionári[oa])\b|"
    r"\b(?-i:Grandpa|Grandma|Granny|Mom|Mum|Mama|Dad|Papa|Wife|Husband|Hubby)\b|"
    r"\b(?:(?:la )?mi[ao]|il mio) (?:moglie|marito|figli[oa]|madre|padre|mamma|papà|sorella|fratello|nonn[oa]|"
    r"collega)\b|"
    r"\b(?:[ao] )?(?:minha|meu) (?:esposa|mulher|marido|filh[oa]|mãe|pai|irmã|irmão|avó|avô|chefe|colega)\b|"
    r"\b(?:mijn|onze) (?:man|vrouw|zoon|dochter|moeder|vader|zus|broer|oma|opa|collega|baas)\b|"
    r"\b(?:moja|mój|mojej|mojego) (?:żona|mąż|syn|córka|matka|mama|ojciec|tata|siostra|brat|babcia|dziadek)\b|"
    r"\b(?:mrs?|ms|herrn?|frau|mme|sig(?:nora|nor)?|sra?)\.? (?-i:[A-ZÀ-Þ])\w+|"
    r"\b(?:employee|patient|client|member|claimant|insured|student)(?: (?:no\.?|number|id))?[ "
    r"#:]{1,3}[a-z]{0,3}-?[0-9]{2,}",
    re.IGNORECASE,
)
_SELF: Final = re.compile(
    r"\b[Ii](?:'m|\u2019m| am| was| have| had|'ve|\u2019ve)?(?: been| just| recently| also| got| being| "
    r"[0-9]{1,2} (?:weeks?|months?)){0,2} "
    r"(?:diagnosed|"
    r"treated|tested positive|"
    r"suffer\w*|recovering|liv(?:e|ing) with|hospitali[sz]ed|taking|take|on medication|struggling|pregnant|hiv|"
    r"had|have|need|use)\b|"
    r"\b[Ii](?:'m|\u2019m| am) (?:on|allergic|bipolar|diabetic|autistic|epileptic|depressed|in rehab|undergoing)\b|"
    r"\b[Mm]y (?:diagnosis|condition|illness|disease|treatment|test results?|medication|chemo\w*|pregnancy|"
    r"depression|anxiety|cancer|"
    r"diabetes|epilepsy|asthma|adhd|ptsd|hiv|doctor|therapist|psychiatrist)\b|\b[Ii]ch (?:habe|leide|nehme|"
    r"hatte)\b|\b[Jj]['\u2019]ai\b|"
    r"\b[Jj]e (?:souffre|prends|suis (?:enceinte|atteinte?|traitée?))\b|\b(?:[Tt]engo|[Pp]adezco|[Ss]ufro|"
    r"[Tt]enho|[Ss]ofro|"
    r"[Ss]offro|[Ii]k heb|[Mm]am|[Cc]horuję|[Ee]stoy (?:embarazada|en tratamiento))\b|\b[Hh]o (?:il |la |"
    r"l['\u2019]|un )",
)
_ONE_NAME: Final = re.compile(  # a single name, where what follows can be said of one person only
    r"(?<![\w.])(?!(?:She|He|They|Who|It|This|That|These|Those|Patients?|Someone|Somebody|Everyone|Nobody|One|If|When|"
    r"Children|Women|Men|People|Woman|Man|Child|Mother|Father|Boy|Girl|And|But|Which|What|Never)\b)"
    r"(?:[A-ZÀ-Þ][a-zà-ÿ]{1,20}['\u2019]s (?:blood (?:tests?|pressure|sugar)|psa|hba1c|tests?|biopsy|mri|scan|"
    r"x-?ray|(?:test|lab) results?|"
    r"diagnosis|"
    r"chemo(?:therapy)?|radiotherapy|therapist|psychiatrist|medication|prescription|surgery|pregnancy|miscarriage|"
    r"overdose)\b|"
    r"[A-ZÀ-Þ][a-zà-ÿ]{1,20} (?:from [a-z]{2,20} )?(?:just |recently |also |has |had )?(?:tested positive|(?:was|"
    r"is|has been|been|got) (?:just |"
    r"recently )?(?:diagnosed|admitted|hospitali[sz]ed|treated) (?:with|for|on)|is being treated|suffers from|"
    r"is (?:hiv|pregnant|in rehab|on dialysis|bipolar|diabetic|undergoing)|underwent|leidet an|hat (?:krebs|diabetes)|"
    r"souffre d|padece|sufre|tiene (?:cáncer|diabetes|sida|vih)|soffre d|lijdt aan|sofre de|went (?:to|into) rehab|"
    r"relapsed|overdosed|miscarried|is allergic)|"
    r"[A-ZÀ-Þ][a-zà-ÿ]{1,20}, who (?:has|broke|lost|suffers|takes|is (?:on|being|recovering)|was (?:just|recently))\b)",
)
_EXAMINED: Final = re.compile(r"[Ww]hich of the|most likely|\n[A-E][.)] |\b[A-D][.)] [A-Z]")
_SUBJECT: Final = re.compile(  # examinations and textbooks
    rf"{_EXAMINED.pattern}|[0-9]{{1,3}}-year-old"
)
_NAMED_SO: Final = re.compile(
    r"(?:named?|called|namens|appelée?|llamad[oa]|di nome) [A-ZÀ-Þ]|\b(?:M[rs]s?|Dr)\.? [A-ZÀ-Þ]"
)


def _somebody_s(_: re.Match[str], near: Near) -> bool:
    """Whether somebody in particular has it, within the sentence or the record around it."""
    start = max(0, near.start - 220)
    around = near.text[start : near.end + 120]
    if _SUBJECT.search(around):
        return _NAMED_SO.search(around) is not None and _EXAMINED.search(around) is None
    if _ONE_NAME.search(around):
        return True
    if _RELATIVE.search(around) or _SELF.search(around, max(0, near.start - start - 90), near.end - start):
        return True
    return any(
        _NAMED.match(name[0])
        or _TITLED.search(around, max(0, name.start() - 24), name.start())
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
