"""What counts as a condition, a treatment or a medicine: words in the common languages, and the endings medicine forms
its words with.

Each alternative begins with a literal, as triggers need. Words of everyday speech that are conditions only now and then
("cold", "shock") are left out: whoever is meant, they tell nothing.
"""

from typing import Final

_ENGLISH: Final = (
    r"cancer(?:ous)?|tumou?rs?|leuka?emia|lymphoma|melanoma|carcinoma|adenocarcinoma|myeloma|sarcoma|glioma|metasta\w+|"
    r"chemotherapy|chemo\b|radiotherapy|immunotherapy|folfox|oncolog\w+|palliative|hospice|biopsy|mammogram|"
    r"diabet\w+|t1dm|t2dm|hypertension|stroke|heart (?:attack|failure|disease|surgery|transplant)|cardiac arrest|"
    r"myocardial infarction|angina|arrhythmia|atrial fibrillation|aneurysm|pacemaker|bypass surgery|"
    r"hiv|aids|hepatitis(?: [abc])?|tuberculosis|syphilis|gonorrh?ea|chlamydia|herpes|hpv|covid(?:-19)?|sepsis|"
    r"depress(?:ion|ive)|bipolar(?: disorder)?|schizo\w+|anxiety(?: disorder)?|ptsd|ocd|adhd|autis\w+|psychosis|"
    r"psychotic|psychiatr\w+|anorexi\w+|bulimi\w+|eating disorder|panic (?:disorder|attacks?)|personality disorder|"
    r"suicid\w+|self-harm\w*|postnatal|postpartum|nervous breakdown|burn-?out|antidepressants?|antipsychotics?|"
    r"opioid (?:use disorder|abuse|dependence)|alcohol (?:use disorder|abuse|dependence)|substance (?:abuse|use|"
    r"dependence)|addict(?:ion|ed)|alcoholi\w+|overdose\w*|rehab|"
    r"cocaine|heroin\b|opioids|methadone|relapsed|"
    r"epilep\w+|seizures?|migraines?|multiple sclerosis|parkinson\w*|alzheimer\w*|dementia|huntington\w*|als|"
    r"motor neurone?|cerebral palsy|paraly[sz]ed|concussion|narcolepsy|tourette\w*|dyslexi\w+|"
    r"crohn\w*|ulcerative colitis|irritable bowel|coeliac|celiac|cirrhosis|pancreatitis|gastritis|stoma\b|ibs|"
    r"bowel (?:obstruction|cancer|disease)|kidney (?:disease|failure|stones?|transplant)|renal failure|dialysis|"
    r"transplant|"
    r"asthma\w*|copd|emphysema|pneumonia|cystic fibrosis|sleep apno?ea|pulmonary|long covid|"
    r"arthritis|lupus|fibromyalgia|osteoporosis|gout|psoriasis|eczema|endometriosis|pcos|scoliosis|"
    r"slipped dis[ck]|herniated dis[ck]|spinal injury|torn (?:acl|meniscus|ligament)|hip replacement|"
    r"knee replacement|fractured?\b|"
    r"anemi[ac]|anaemi[ac]|haemophilia|hemophilia|sickle cell|thrombosis|embolism|lymph nodes?|"
    r"pregnan\w+|miscarr\w+|abortion|infertil\w+|ivf|stillb\w+|menopaus\w+|erectile|hysterectomy|mastectomy|vasectomy|"
    r"breasts? removed|gender dysphoria|transition surgery|down'?s? syndrome|brca[12]?|genetic test|"
    r"chronic (?:fatigue|pain|illness|kidney disease)|glaucoma|hypothyroid\w*|hyperthyroid\w*|graves' disease|"
    r"hashimoto\w*|"
    r"legally blind|hearing loss|cochlear|wheelchair|amputat\w+|prosthe\w+|appendicitis|hernia|ulcers?\b|"
    r"brain tumou?r|peanut allergy|penicillin allergy|nut allergy|latex allergy|anaphyla\w+|sick leave|"
    r"medical leave|disability leave|"
    r"kidney infection|lung infection|chest infection|urinary infection|palpitations|lost the baby|lost our baby|"
    r"corona\b|"
    r"in remission|intensive care|icu|psych ward|night sweats|std|sti\b|incontinen\w+|insomnia|"
    r"insulin|metformin|warfarin|lithium|clozapine|methylphenidate|oxycodone|methotrexate|tamoxifen|levothyroxine|"
    r"prozac|"
    r"zoloft|xanax|valium|ritalin|adderall|vyvanse|truvada|ozempic|wegovy|humira|gabapentin|pregabalin|tramadol|"
    r"fentanyl|"
    r"prednisone|donepezil|furosemide|suboxone|naltrexone|antabuse|prep\b for hiv"
)
_GERMAN: Final = (
    r"krebs\w*|chemo(?:therapie)?\b|bestrahlung|diabetes|zuckerkrank\w*|depression(?:en)?|depressiv\w*|schwanger\w*|"
    r"multiple[rn]? sklerose|epilep\w+|demen[zt]\w*|schlaganfall|herzinfarkt|herzschrittmacher|herzfehler|fehlgeburt|"
    r"bandscheibenvorfall|niereninsuffizienz|herzinsuffizienz|dialyse|asthma|rheuma|gicht|leukämie|lymphdrüse\w*|"
    r"burn-?out|adhs|essstörung|magersucht|magersüchtig\w*|angststörung\w*|panikattacken?|borderline|psychiatrie|"
    r"suizid\w*|alkoholkrank\w*|alkoholiker\w*|drogenabhängig\w*|spielsüchtig\w*|entzug\b|entzugsklinik|reha\b|"
    r"krankgeschrieben|krankschreibung|arbeitsunfähig\w*|intensivstation|notaufnahme|bluthochdruck|neurodermitis|"
    r"schwerbehinder\w*|querschnittsgelähmt|gelähmt|parkinson\w*|kreuzbandriss|hüft-?op|op-termin|anfälle\b"
)
_FRENCH: Final = (
    r"cancéreu\w+|cancers?\b|tumeur|leucémie|chimio\w*|diabète|diabétique|épilep\w+|grossesse|enceinte d|dépressi\w+|"
    r"sclérose en plaques|schizophr\w+|bipolarité|bipolaire|démence|fausse couche|insuffisance (?:rénale|cardiaque)|"
    r"insuffisant (?:rénal|cardiaque)|infarctus|séropositi\w+|sida\b|asthm\w+|autis\w+|arrêt maladie|alcooli\w+|"
    r"toxicoman\w+|"
    r"hospitalisée?|endométriose|fibromyalgie|maladie de (?:crohn|parkinson|lyme|charcot)|anorexi\w+|trisomi\w+|"
    r"accident vasculaire|avc\b|handicapée?|mucoviscidose"
)
_SPANISH: Final = (
    r"cáncer|quimio\w*|tumor(?:es)?|leucemia|diabétic\w+|embaraz\w+|depresión|depresiv\w+|sida\b|vih\b|epil\w+|"
    r"esclerosis|demencia|infarto|derrame cerebral|ictus|ansiedad|celíac\w+|hipotiroidismo|hipertensi\w+|asma\w*|"
    r"baja médica|baja laboral|alcohólic\w+|drogadict\w+|toxicóman\w+|anorexia|esquizofr\w+|trastorno\w*|minusválid\w+|"
    r"discapacidad|aborto|fibromialgia|insuficiencia (?:renal|cardíaca|cardiaca)|marcapasos|lupus|operad[oa] de"
)
_ITALIAN: Final = (
    r"cancro|tumore|chemioterapia|diabete|diabetic\w+|epilessia|epilettic\w+|depression\w+|gravidanza|incinta|"
    r"sclerosi|demenza|infarto|ictus|leucemia|ipertensione|asma\b|celiac\w+|sieropositiv\w+|ansia\b|attacchi di panico|"
    r"schizofreni\w+|anoressi\w+|alcolista|tossicodipendente|invalidità|aborto|dialisi|insufficienza (?:renale|"
    r"cardiaca)"
)
_DUTCH: Final = (
    r"kanker|chemo\b|suikerziekte|zwanger\w*|depressie\w*|depressief|beroerte|hartaanval|hartinfarct|hartfalen|"
    r"reuma\w*|epilepsie|dementie|burn-?out|ziekteverlof|ziekgemeld|verslaafd|verslaving|miskraam|angststoornis|adhd|"
    r"longontsteking|palliatie\w+|hernia|astma"
)
_POLISH: Final = (
    r"raka\b|rak (?:piersi|prostaty|płuc\w*|jelita|trzustki)|nowotw\w+|cukrzyc\w+|padaczk\w+|depresj\w+|"
    r"ciąż\w+|udar\w*|zawał\w*|białaczk\w+|astm\w+|chemioterapi\w+|alkoholi\w+|uzależni\w+|"
    r"anoreksj\w+|bulimi\w+|nerwic\w+|łuszczyc\w+|"
    r"stwardnieni\w+|schizofreni\w+|poronił\w*|hiv\b|zwolnieni\w+ lekarsk\w+|nadciśnieni\w+"
)
_PORTUGUESE: Final = (
    r"câncer|cancro|quimioterapia|diabétic\w+|depressão|gravidez|grávida|epilepsia|epilétic\w+|esclerose|avc\b|"
    r"enfarte|infarto|demência|asma\b|ansiedade|alcoólatra|esquizofrenia|autis\w+|aborto|hipertens\w+|leucemia|"
    r"transtorno\w*|"
    r"soropositiv\w+|seropositiv\w+|licença médica|baixa médica|hemodiálise"
)
_NORDIC: Final = (
    r"cancer\b|kreft|kræft|bröstcancer|graviditet|gravid\b|depresjon|sjukskriven|sykmeldt|sygemeldt|"
    r"epilepsi|diagnosen \w+|syöpä|masennus|diabeetikko|"
    r"rakovin\w+|těhotn\w+|cukrovk\w+|rák\b|terhes|daganat"
)
CONDITIONS: Final = "|".join(
    (_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _ITALIAN, _DUTCH, _POLISH, _PORTUGUESE, _NORDIC)
)
_IN_CAPITALS: Final = "als aids ms std sti icu avc ocd ibs hpv ivf prep rak op"
ACRONYMS: Final = frozenset(_IN_CAPITALS.split())
"""What is a condition in capitals only: in small letters it is a word of some language."""

# What such words end with. Behind letters, each of these makes a disease, an operation or a medicine.
_GREEK: Final = (
    "itis ectomy ectomia ectomía ektomie ectomie otomy oplasty plegia plegic plegía plégie opathy opathie opatia "
    "opatía aemia algia algie phrenia sclerosis sklerose sklerosi stenosis penia trophy itide arthrose arthrosi "
    "arthroses arthrosis artrosis"
)
_COMPOUND: Final = (  # German, Dutch and the Nordic languages put the part and what ails it in one word
    "krebs karzinom tumor tumore tumorn tumoren infarkt infarct insuffizienz entzündung erkrankung störung syndrom "
    "vergiftung allergie intoleranz schwäche lähmung depression psychose kanker ziekte stoornis ontsteking sjukdom "
    "sykdom kreft"
)
_MEDICINE: Final = (
    "tinib umab ximab prazol prazole sartan statin statina statine cillin mycin oxetin oxetine azepam zolam triptylin "
    "triptylina triptyline gliptin gliflozin glutid glutide xaban etiracetam etirizine faxin faxina faxine faksyna "
    "faksyną faksynę faksyny apine idone alopram tralin tralina traline platin parin dronate setron"
)
ENDINGS: Final = tuple(f"{_GREEK} {_COMPOUND} {_MEDICINE}".split())
