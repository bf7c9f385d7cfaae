"""Whether somebody in particular is spoken of: the writer, somebody close to the writer, or somebody with a name.

A name alone is no person of this request: who is known to everybody, who is long dead and who was made up has one too.
What stands around tells them apart: years, offices and arts, novels and plays, examinations.
"""

import re
from typing import Final

from routers.sensitivity import public

_NAMES: Final = """
aaron abdul adam adrian agnieszka ahmed aisha alan albert alberto alejandro alessandro alex alexander alfred alice
alicia alina amanda amara amelia amina amir amy ana anders andrea andreas andrew andrzej angela anita anja anke anna
anne annika anton antonio arjun arthur astrid ayesha barbara bart bartosz beata beatriz ben benjamin benni bernard
bernd bill birgit björn bob boris brandon brian brigitte bruno camila camille carl carla carlos carmen carol
carolina caroline cas catarina catherine cecilia celine chantal charles charlotte chloe chris christian christina
christine christoph claire clara claudia claudio colin connor craig cristina daan dan dana daniel daniela darren
dave david deborah deepa denise dennis diana diego dieter dirk dmitri dominik donna doris dorota dylan eduardo
edward ela elena elif eliza elizabeth ella ellen elodie emil emily emma emmanuel enrico eric erik ernst esther eva
ewa fatima fatma felix fernando filip fiona florian fran frances francesca francesco francisco frank franziska
françois fred freya frida frieda gabriel gabriela gareth gary georg george gerard gert gianni gina giorgio giovanni
giulia giuseppe gloria grace graham greg grzegorz guido gwendolyn habib hala halima hamza hanna hannah hannes hans
harriet harry hasan hassan heather heidi heike heinz helen helena helga henk henning henri hilde hugo ian ibrahim
ida ignacio igor ilse ines inge ingrid inês irena irene iris isabel isabella isabelle ivan jack jacob jacques jakob
jakub james jamie jan jana jane janet jason javier jean jeff jenna jennifer jenny jens jeroen jessica jill jim joana
joanna joe joel johan johann johanna john jonas jonathan jordan jorge jose josef josh joshua josé joão juan judith
julia julian julie june justin jürgen kaisa karen karin karl karolina kasia kate katharina kathrin katie katja
katrin keith kelly kenneth kerstin kevin khadija kim klaus krystyna krzysztof kurt lars laura lea leah lena leo leon
leonie liam lieke lisa liz lorena lotte louis louise luca lucas lucia lucía ludwig luis luisa lukas lydia maarten
maciej magda magdalena maite malgorzata manfred manuel manuela marc marcel marcin marco marcus marek margaret
margarida margit margot maria mariam marie marina mario marion mark markus marta martha martin martina mary mateo
mateusz mathilde matt matteo matthew matthias maurice max maya małgorzata megan mehmet mei melanie mia michael
michał michel michele michelle miguel mike milan mohamed mohammed mona monica monika moritz morten muhammad nadia
nadine naomi natalia natalie natasha neil nele nicholas nick nicola nicolas niels nikolai nils nina noah nora
norbert nuno oleg olga oliver olivia omar oscar otto pablo paola paolo pascal patricia patrick paul paula paulo
paweł pedro peggy penny peter petra philip philippe pia pierre pieter pilar piotr priya rachel rafael rahul raj ralf
ramon raquel rebecca regina reinhard renata renate ricardo richard rita rob robert roberto robin roger roland rolf
roman rosa rosie ross ruben rubén rui ruth ryan sabine sally sam samantha samir samuel sandra sanne sara sarah
sascha scott sean sebastian sergei sergio sharon silke silvia simon simone sofia sonia sonja sophia sophie stefan
stefania stefanie stephan stephanie stephen steve steven stuart susan susanne suzanne sven svetlana sylvia tadeusz
tamara tania tanja tatiana ted teresa thea theo thijs thomas tiago tim timo tina tobias todd tom tomas tomasz tony
torsten tracy ulla ulrich ulrike ursula ute uwe valentina valerie vera veronica veronika vicky victor victoria
viktor vincent virginia vittoria vladimir walter wanda wendy werner wiebke wilhelm will willem william wim wojciech
wolfgang xavier yan yasmin yusuf yvonne zoe zofia zuzanna élodie łukasz
"""
_FIRST: Final = frozenset(_NAMES.split())
_LARGE: Final = r"[A-ZÀ-ÞŁŚŻŽŠČ][\w'\u2019-]{1,24}"
_NOT_NAMES: Final = (
    r"(?!(?:The|This|That|These|Those|In|On|At|For|When|If|By|With|Our|Their|And|But|While|After|Since|Which|What|How|"
    r"Welche[rsn]?|Wie|Was|Wann|Warum|Wer|Der|Die|Das|Den|Dem|Ein|Eine[rn]?|Bei|Mit|Für|Auf|Von|Zu[rm]?|Im|Am|"
    r"Diese[rs]?|"
    r"Viele|Manche|Sind|Ist|Hat|Kann|Gibt|Quels?|Quelles?|Les|Des|Une?|Pour|Dans|Comment|Qué|Cuál(?:es)?|Cómo|Los|Las|"
    r"Quali?|Come|Gli|Wat|Welke|Hoe|Het|Een|Jak(?:ie)?|Quais|Como|Os|As|Side|Type|Clinical|Public|National|World|"
    r"General|"
    r"Medical|Patients?|Doctors?|Nurses?|Diabetes|Hospital|Health) )"
)
NAME: Final = re.compile(
    rf"(?=[A-ZÀ-ÞŁŚŻŽŠČ])(?:{_NOT_NAMES}{_LARGE} (?:[A-Z]\.? )?{_LARGE}(?: {_LARGE})?|"
    rf"(?<![\w.])(?<!\. )[A-Z]\. ?{_LARGE}|"
    rf"{_LARGE}, {_LARGE}(?= ?\(| leidet| suffers| souffre| was diagnosed))"
)
_NAMED: Final = re.compile(  # a name that begins with what it is the name of
    r"(?:Patient|Pt|Mrs?|Ms|Miss|Dr|Herrn?|Frau|Client|Employee|Member|Claimant|Resident|Colleague|Student|Mme|Sra?|"
    r"Signor)\b"
)
_TITLED: Final = re.compile(
    r"(?:(?<![^\W_])(?:patient|pt|pat|resident|client|employee|emp|member|insured|beneficiary|claimant|customer|"
    r"colleague|"
    r"student|pupil|candidate|applicant|requester|subject|player|worker|driver|guest|user|"
    r"mr|mrs|ms|miss|dr|herr|frau|m|mme|sr|sra|dhr|mevr|pan|pani|patientin|patiënt|paziente|paciente|pacjent(?:ka)?|"
    r"contact|caller|holder|titular|trabajadora?|lavoratore|lavoratrice|werknemer|pracownik|funcionári[oa]|salariée?|"
    r"d|dña|don|doña|"
    r"name|kunde|klient|kolleg(?:e|in)|collega|mitarbeiter(?:in)?|alumn[oa]|alun[oa]|élève|schüler(?:in)?|"
    r"leerling)\b\.?|"
    r"name is|(?:results?|report|record|chart|notes?|referral|prescription|letter|claim|leave|card|e-?mail|cover|baja) "
    r"(?:for|of|on|to|about|de))"
    r"[\W_]{0,9}$",
    re.IGNORECASE,
)
_ABOUT_THEM: Final = re.compile(
    r"(?:'s|\u2019s)?,? ?\(?(?:(?:aged?|dob|mrn|id|lat|di anni|[0-9])[^)\n,]{0,20})?\)?,? ?(?:[0-9]{1,3} ?(?:yo|y/o|"
    r"years? old|jahre|ans|años|anni|jaar|lat|anos|[mf])\b,? )?"
    r"(?:who |she |he |they |also |just |recently |now |currently )?(?:was|is|has|had|presents?|presented|"
    r"suffers?|suffered|disclosed|carries|got|"
    r"reports?|reported|tested|takes?|lives? with|struggles|underwent|receives?|received|complains|complained|"
    r"needs|admitted|been|"
    r"diagnos\w+|medical|health|cancer|condition|called in sick|on leave|developed|died|recover\w+|is being|"
    r"will (?:undergo|be out)|sees?|is out|went (?:to|into)|sustained|uses|reveals?|revealed|shows?|relapsed|"
    r"wurde|hat|hatte|leidet|litt|ist an|ist schwanger|erlitt|liegt|bekommt|"
    r"est (?:en|atteinte?|enceinte|hospitali\w+)|souffre|a été|a fait|porteu\w+|"
    r"soffre|è (?:malat\w|incinta|affett\w)|ha (?:avuto|il|la|un)|tiene|padece|sufre|está embarazada|presenta|está|fue "
    r"diagnosticad\w|por |"
    r"tem|sofre|foi diagnosticad\w|está grávida|heeft|lijdt|is zwanger|bekend met|ma|choruje|cierpi|przyjęt\w|ha en|"
    r"har)"
    r"(?!\w)",
    re.IGNORECASE,
)
_OWN_WORDS: Final = """
my our ur meine mein meiner meinem meinen meines unsere unser unserer unserem unseren mi mis nuestro nuestra ma mon
mes notre nos mia mio miei nostro nostra minha meu meus nosso nossa mijn onze ons moja mój mojej mojemu mojego moją
nasz nasza naszej naszego min mitt mina vår
"""
_OWN: Final = frozenset(_OWN_WORDS.split())  # whose
_CLOSE_WORDS: Final = """
wife husband partner spouse son sons daughter daughters child kid kids baby mother mom mum father dad brother sister
twin stepson stepdaughter grandmother grandfather grandma grandpa grandson granddaughter uncle aunt cousin nephew
niece boyfriend girlfriend fiance fiancé fiancée friend colleague coworker worker boss manager employee patient
client neighbour neighbor student roommate member resident nanny tenant lodger assistant intern driver cleaner
apprentice trainee tutor teacher carer frau mann sohn tochter mutter vater schwester bruder eltern kind kollege
kollegin kollegen chef chefin oma opa tante onkel freund freundin nachbar nachbarin mitarbeiter mitarbeiterin mieter
mieterin kleine kleiner schwiegervater schwiegermutter schwiegersohn schwiegertochter stiefvater stiefmutter
großvater großmutter vaters mutters mannes esposa esposo marido hijo hija hijos madre padre hermano hermana abuelo
abuela suegro suegra tío tía primo prima novio novia jefe jefa compañero compañera empleado empleada paciente femme
mari fille filles fils mère père sœur soeur frère collègue copine copain salarié salariée employé employée moglie
marito figlio figlia mamma papà sorella fratello nonno nonna suocero suocera zio zia fidanzato fidanzata collega
capo dipendente mulher filho filha mãe pai irmã irmão avó avô sogro sogra namorado namorada chefe colega funcionário
funcionária man vrouw zoon dochter moeder vader zus broer oom baas buurman buurvrouw vriend vriendin schoonmoeder
schoonvader żona żony żonę mąż męża mężem syn syna córka córki córkę matka matki matkę mama mamy mamę ojciec ojca
tata taty tatę siostra siostry siostrę brat brata babcia babci babcię dziadek dziadka teściowa teściowej szef
szefowa koleżanka kolega fru dotter mor far bror syster kone sønn datter kollega pappa
"""
_CLOSE: Final = frozenset(_CLOSE_WORDS.split())  # who is close to somebody
_INTIMATE: Final = frozenset({"grandpa", "grandma", "granny", "mum", "mom", "dad", "hubby"})
_TITLE: Final = re.compile(
    r"(?<!\w)(?:[Mm]rs?|[Mm]s|[Hh]errn?|[Ff]rau|[Mm]me|[Ss]ig(?:nora|nor|\.ra)?|[Ss]ra?|[Dd]hr|[Mm]evr|[Pp]ani?|"
    r"[Kk]olleg(?:e|in)|[Cc]ollega|[Cc]olleague|[Cc]oll[eè]gue|[Cc]olega|[Nn]anny|[Nn]eighbou?r|[Nn]achbar(?:in)?)\.? "
    r"(?:[A-Z]\. ?){0,2}[A-ZÀ-ÞŁŚŻ][a-zà-ÿ]\w*|"
    r"(?<!\w)(?:[Mm]y|[Oo]ur|[Nn]uestr[oa]|[Nn]otre|[Oo]nze|[Nn]oss[oa]) (?!protagonist|character|hero|figur|"
    r"personaje)[a-zà-ÿ]{3,14} [A-ZÀ-Þ][a-zà-ÿ]{2,14}\b|"
    r"(?<!\w)(?:[Ee]mployee|[Pp]atient|[Cc]lient|[Mm]ember|[Cc]laimant|[Ii]nsured|[Ss]tudent)(?: (?:no\.?|number|"
    r"id))?[ #:]"
    r"{1,3}[A-Za-z]{0,3}-?[0-9]{2,}"
)
_TITLE_WORDS: Final = """
mr mrs ms herr herrn frau mme signora signor sig sr sra dhr mevr pan pani kollege kollegin collega colleague
collègue collegue colega nanny neighbour neighbor nachbar nachbarin employee patient client member claimant insured
student my our nuestro nuestra notre onze nosso nossa
"""
_TITLES: Final = frozenset(_TITLE_WORDS.split())  # the same for this one
_WORD: Final = re.compile(r"[^\W\d_]+")
SELF: Final = re.compile(
    r"\b[Ii](?:'m|\u2019m|m| am| was| have| had|'ve|\u2019ve|ve)?(?: (?:been|just|recently|also|got|being|still|"
    r"uh|um|[0-9]{1,2} (?:weeks?|months?)),?){0,3} "
    r"(?:diagnosed|treated|tested positive|suffer\w*|recovering|liv(?:e|ing) with|hospitali[sz]ed|taking|take|on|"
    r"struggling|pregnant|hiv|had|have|need|use|relapsed|allergic|bipolar|diabetic|autistic|epileptic|depressed|"
    r"in rehab|undergoing|lost)\b|"
    r"\b(?:[Mm]e (?:acaban de |han )?(?:diagnosticar|diagnosticado|diagnosticaram)|[Mm]i hanno (?:diagnosticato|"
    r"trovato)|"
    r"on m.a (?:diagnostiqu|trouv|détect)|[Bb]ei mir wurde|u mnie|bij mij)|"
    r"\b[Mm]y (?:diagnosis|condition|illness|disease|treatment|test results?|medication|meds|chemo\w*|pregnancy|"
    r"depression|anxiety|cancer|"
    r"diabetes|epilepsy|asthma|adhd|ptsd|hiv|doctor|gp|therapist|psychiatrist|oncologist)\b|"
    r"\b[Ii]ch (?:habe|hab|leide|nehme|hatte|bin)\b|\b[Jj]['\u2019](?:ai|étais)\b|"
    r"\b[Jj]e (?:souffre|prends|suis|viens d)\b|\b(?:[Tt]engo|[Pp]adezco|[Ss]ufro|[Tt]omo|[Ss]oy|"
    r"[Mm]e (?:diagnosticaron|detectaron|operaron)|[Tt]enho|[Ss]ofro|[Tt]omo|[Ss]ou|[Ff]ui diagnosticad[oa]|"
    r"[Ss]offro|[Pp]rendo|[Ii]k (?:heb|ben|slik|lijd)|[Mm]am|[Cc]horuję|[Cc]ierpię|[Bb]iorę|[Jj]estem|[Jj]ag har|"
    r"[Ee]stoy (?:embarazada|en tratamiento))\b|\b[Ss]ono (?:malat|affett|incint|diabetic|in cura|sieropositiv|"
    r"celiac|depress|allergic|stat[oa] (?:diagnos|operat|ricover))|\b[Hh]o (?:il |la |l['\u2019]|un |avuto )",
)
_SELF_WORDS: Final = """
i im ive my ich j je m tengo padezco sufro tomo soy me tenho sofro sou fui soffro prendo ik mam choruję cierpię
biorę jestem jag estoy sono ho mi bei u bij
"""
_OF_SELF: Final = frozenset(_SELF_WORDS.split())  # without one of these, the pattern above need not be tried
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
_HAVING: Final = re.compile(  # what ties a condition to who was named before
    r"\b(?:has|had|have|is|isn't|was|with|been|got|gets|takes?|taking|carries|needs?|suffer\w*|diagnos\w+|treated|for|"
    r"told|"
    r"hat|hatte|ist|liegt|leidet|bekommt|kriegt|gekriegt|mit|wegen|fait|a|est|souffre|tiene|tuvo|está|por|padece|"
    r"detectaron|ha|è|soffre|met|heeft|kreeg|lijdt|ma|choruje|wykryli|powodu|tem|tá|está|com|sofre|har|fick|out)\b|"
    r"[:|,;]"
)
_FIRST_NAME: Final = re.compile(r"(?<![\w@])[A-ZÀ-ÞŁ][a-zà-ÿł]{1,14}(?![\w@])")
_SAID_OF: Final = re.compile(  # of whom was named before: "Ngozi won't be in. She had a stroke"
    r"\b(?:[Ss]?[Hh]e(?:'s|\u2019s|'d)? (?:has|had|was|is|got|suffers?|takes?|went|just|needs|been|told|lives)|"
    r"(?:sie|er) (?:hat|hatte|ist|liegt|leidet|bekommt)|(?:elle|il) (?:a|est|souffre)|(?:ella|él) (?:tiene|está|"
    r"padece)|"
    r"(?:lei|lui) (?:ha|è|soffre)|(?:zij|ze|hij) (?:heeft|is|lijdt)|(?:ona|on) (?:ma|jest)|(?:ela|ele) (?:tem|está))\b"
    r"[^.\n?]{0,60}$"
)
_NAMED_BEFORE: Final = re.compile(
    r"(?<=[a-zà-ÿ,:] )(?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|I\b)[A-ZÀ-Þ][a-zà-ÿ]{2,20}\b"
)
_QUOTES: Final = ("'", '"', "\u201c", "\u201e", "\u00ab", "\u00ab ")
_RECORDED: Final = re.compile(  # a column or field that holds people
    r"(?:^|[^a-z])(?:\w{0,12}_?name|full ?name|patient\w*|pat_\w+|emp\w*|client|player|resident|requester|member|"
    r"nom|nombre|nome|naam|imię|nazwisko|mitarbeiter|pupil|student)(?:[^a-z]|$)"
)
_EXAMINED: Final = re.compile(r"[Ww]hich of the|most likely|[Nn]ext best step|\n[A-E][.)] |\b[A-D][.)] [A-Z]")
_SUBJECT: Final = re.compile(  # examinations and textbooks
    rf"{_EXAMINED.pattern}|[0-9]{{1,3}}-year-old"
)
_NAMED_SO: Final = re.compile(
    r"(?:named?|called|namens|appelée?|llamad[oa]|di nome) [A-ZÀ-Þ]|\b(?:M[rs]s?|Dr)\.? [A-ZÀ-Þ]"
)
_YEAR: Final = re.compile(r"(?<![0-9.,])1(?:[0-8][0-9]{2}|9[0-2][0-9])(?![0-9]|[.,][0-9])")
_OF_THE_WORLD_WORDS: Final = """
died president philosopher painter composer emperor queen king novelist poet scientist singer actor actress artist
biography famous historical century museum wikipedia legendary nobel olympic novel chapter fiction fictional
character protagonist screenplay scene movie film episode plot fairy kurzgeschichte märchen gestorben starb
schauspieler schauspielerin maler malerin komponist könig kaiser roman écrivain peintre compositeur personnage mort
empereur novela personaje cuento pintor pintora murió romanzo personaggio morì pittore schilder zmarł zmarła malarz
kompozytor personagem morreu
"""
_OF_THE_WORLD: Final = frozenset(_OF_THE_WORLD_WORDS.split())  # whom everybody knows, and whom nobody is


def somebody(text: str, start: int, end: int, header: str) -> bool:
    """Whether what stands at `[start, end)` is said of somebody in particular, within the sentence or record around
    it; `header` is the head of the table that it stands in, in lower case, or nothing."""
    first = max(0, start - 220)
    around = text[first : end + 120]
    place = start - first
    if _SUBJECT.search(around):
        return _NAMED_SO.search(around) is not None and _EXAMINED.search(around) is None
    words = _WORD.findall(around.lower())
    told = not _OF_THE_WORLD.isdisjoint(words)
    writer = None if _OF_SELF.isdisjoint(words) else SELF.search(around, max(0, place - 90), end - first)
    if writer and not (told and around[: writer.start()].endswith(_QUOTES)):
        return True
    if (not _TITLES.isdisjoint(words) and _TITLE.search(around)) or _close(words):
        return True
    if told or _YEAR.search(around):
        return False
    names = list(NAME.finditer(around))
    if (names and _RECORDED.search(header)) or any(_titled(around, name) for name in names):
        return True
    if any(public.figure(name[0]) for name in names):
        return False
    return (
        _ONE_NAME.search(around) is not None
        or _first_name(around, place, end - first)
        or _said_of(around[:place])
        or any(_ABOUT_THEM.match(around, name.end()) for name in names)
    )


def _said_of(before: str) -> bool:
    """Whether what stands behind is said of her or him, and somebody was named before."""
    said = _SAID_OF.search(before, max(0, len(before) - 80))
    return said is not None and _NAMED_BEFORE.search(before, 0, said.start()) is not None


def _titled(around: str, name: re.Match[str]) -> bool:
    """Whether a name begins with what its bearer is here, or that stands before it: a patient, a client, a pupil."""
    before = max(0, name.start() - 24)
    return _NAMED.match(name[0]) is not None or _TITLED.search(around, before, name.start()) is not None


def _close(words: list[str]) -> bool:
    """Whether somebody close to the writer is spoken of: "my wife", "mein kleiner Sohn"."""
    if not _INTIMATE.isdisjoint(words):
        return True
    return any(not _CLOSE.isdisjoint(words[at + 1 : at + 4]) for at, word in enumerate(words) if word in _OWN)


def _first_name(around: str, start: int, end: int) -> bool:
    """Whether a common first name stands before the condition, and something between that gives it to its bearer."""
    for name in _FIRST_NAME.finditer(around, max(0, start - 160), start):
        if name[0].lower() in _FIRST and _HAVING.search(around, name.end(), min(end + 24, len(around))):
            return True
    return False
