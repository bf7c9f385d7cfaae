"""How to reach a person: mail addresses, postal addresses, dates of birth."""

import re
from typing import Final

from routers.sensitivity.near import Near
from routers.sensitivity.rule import Rule, rule

_NOBODY: Final = re.compile(  # not a person's address: images at two resolutions, packages, decorators
    r"@(?:[0-9]+x|media|import|param|return|types|babel)\b|\.(?:png|jpe?g|gif|svg|py|js|ts|css)$|^git@",
    re.IGNORECASE,
)


def _mail(match: re.Match[str], _: Near) -> bool:
    return _NOBODY.search(match[0]) is None


_STREET: Final = (
    r"(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|circle|cir|place|pl|terrace|ter|way|parkway|pkwy|"
    r"close|crescent|square|sq|highway|hwy|trail|row|mews|gardens|grove|walk|hill|green|loop)"
)
_MONTH: Final = (
    r"(?:jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|m[aä]rz|apr(?:il)?|ma[iy]|june?|juni|july?|juli|aug(?:ust)?|sep(?:t(?:ember)?)?|"
    r"o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)"
)
_DATE: Final = rf"(?:[0-9]{{1,4}}[./-][0-9]{{1,2}}[./-][0-9]{{1,4}}|[0-9]{{1,2}}(?:st|nd|rd|th)?\.? (?:of )?{_MONTH}\.?,? [0-9]{{4}}|{_MONTH}\.? [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}})"
_BIRTH: Final = (
    r"(?:date[ _-]?of[ _-]?birth|birth[ _-]?date|birthdate|birthday|d\.?o\.?b\.?|born|geboren|geburtsdatum|geb\.|n[ée]e? le|date de naissance|"
    r"fecha de nacimiento|nacid[oa]|data de nascimento|nascid[oa]|data di nascita|nat[oa] il|geboortedatum|data urodzenia|urodzon[ya]|"
    r"f[oö]delsedatum|f[oö]dd|f[oø]dselsdato|f[oø]dt|syntym[aä]aika|дата рождения|родил|出生|生年月日|생년월일|जन्म)"
)

_SUFFIX: Final = (
    r"stra(?:ss|ß)e|str\.|weg|platz|allee|gasse|damm|ufer|steig|straat|laan|gracht|kade|plein|dreef|gatan|gata|v(?:ä|a|e)gen|veien|vej|gade|gate|"
    r"stien|all(?:é|e)|torget|katu|tie|kuja|polku|puiestee|utca|(?:ú|u)tja|ulica|ulice|cesta|n(?:á|a)m(?:ě|e)st(?:í|i)"
)
_STREET_FIRST: Final = (
    r"rue|avenue|boulevard|chemin|impasse|quai|calle|carrer|via|viale|piazza|corso|largo|strada|rua|avenida|travessa|plaza|paseo|"
    r"camino|ulica|ul\.|bulevardul|strada"
)
_PARTICLE: Final = r"(?:de|del|della|delle|dei|degli|di|da|do|dos|das|des|du|la|le|les|los|las|el|van|von|der|den|the|of|san|st\.?)"
_LIVES: Final = (
    r"(?:live[sd]?|living|reside[sd]?|residing|resident|wohn(?:t|e|haft|hen)|habite|vive|vivo|abit[ao]|woon[t]?|mieszka(?:m)?|bor|asuu|"
    r"(?:home|my|her|his|their|mailing|shipping|billing|delivery|postal|following|current|new|street|residential) address|"
    r"deliver(?:y|ed)? to|ship(?:ped)? to|taxi to|pick (?:me|him|her|us|them) up|moved (?:to|from)|meet (?:you|me|us) at|adresse|direcci(?:ó|o)n|indirizzo)"
)
_COUNTRIES: Final = (
    "afghanistan|albania|algeria|andorra|angola|argentina|armenia|australia|austria|azerbaijan|bahrain|bangladesh|belarus|belgium|"
    "bolivia|bosnia(?: and herzegovina)?|botswana|brazil|bulgaria|cambodia|cameroon|canada|chile|china|colombia|costa rica|croatia|"
    "cuba|cyprus(?: \\(greek\\))?|czech republic|czechia|denmark|dominican republic|ecuador|egypt|estonia|ethiopia|faroe islands|finland|france|georgia|"
    "germany|ghana|greece|greenland|guatemala|honduras|hungary|iceland|india|indonesia|iran|iraq|ireland|israel|italy|jamaica|"
    "japan|jordan|kazakhstan|kenya|kuwait|latvia|lebanon|libya|liechtenstein|lithuania|luxembourg|malaysia|malta|mexico|moldova|"
    "monaco|mongolia|morocco|mozambique|namibia|nepal|netherlands|new zealand|nicaragua|nigeria|north macedonia|norway|oman|"
    "pakistan|panama|paraguay|peru|philippines|poland|portugal|qatar|romania|russia|rwanda|saudi arabia|senegal|serbia|"
    "singapore|slovakia|slovenia|south africa|south korea|spain|sri lanka|sudan|sweden|switzerland|syria|taiwan|tanzania|thailand|"
    "tunisia|turkey|uganda|ukraine|united arab emirates|united kingdom|united states|uruguay|uzbekistan|venezuela|vietnam|zambia|zimbabwe|uk|usa|uae"
)
_HOUSE: Final = re.compile(  # a number with a name beside it, as houses have
    r"(?<![\w.,$])[0-9]{1,6}[A-Za-z]?,? (?:[0-9]{1,4} )?(?:[A-ZÀ-Þ\u0370-\u04ff][\w'’.-]+|[a-z]+ (?:street|avenue|road|lane|drive))|"
    r"[A-ZÀ-Þ\u0370-\u04ff][\w'’.-]+ [0-9]{1,5}(?![\w.,:%]*[0-9%])"
)
_TALK_OF_UNITS: Final = re.compile(
    r"\b(?:unit|room|suite|flat) (?:price|cost|test|of|in|for)\b", re.IGNORECASE
)


def _of_a_place(match: re.Match[str], _: Near) -> bool:
    """Not an ordinary word with a number behind it (`Platz 3`, `way 2`): the name is written large."""
    value = match["value"] if "value" in match.re.groupindex else match[0]
    return any(map(str.isupper, value)) and not re.match(
        r"(?i)(?:january|february|march|april|may|june|july|august|september|october|november|december)\b",
        value,
    )


def _in_an_address(match: re.Match[str], near: Near) -> bool:
    """Whether a house stands before it or beside it: a unit or a postcode alone is no address."""
    start = max(0, match.start() - 90)
    before = near.text[start : match.start()]
    return (
        _HOUSE.search(before) is not None
        or _HOUSE.match(near.text[match.end() : match.end() + 40].lstrip(" ,\n>?")) is not None
    )


RULES: Final[tuple[Rule, ...]] = (
    rule(
        "email",
        "EMAIL_ADDRESS",
        r"[a-z0-9_%+-]@[a-z0-9][a-z0-9.-]{0,60}\.[a-z]{2}",
        r"(?<![\w.+-])[\w%+-][\w.%+'-]{0,63}@(?:[\w-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9])",
        _mail,
        needs=("@",),
        back=140,
        ahead=60,
    ),
    rule(
        "street-english",
        "STREET_ADDRESS",
        rf"\b[0-9]{{1,5}}[a-z]?,? (?:[a-z'.]{{1,20}} ){{1,3}}{_STREET}\b",
        rf"(?<![A-Za-z0-9.])[0-9]{{1,5}}[A-Za-z]?,? (?:(?-i:[A-Z])[\w'.-]{{1,20}} ){{1,3}}(?-i:[A-Z]){_STREET[3:]}".replace(
            "(?-i:[A-Z])" + _STREET[3:], _STREET
        )
        + r"\b\.?",
        ahead=60,
    ),
    rule(
        "street-continental",
        "STREET_ADDRESS",
        rf"[a-z](?:{_SUFFIX}) [0-9]{{1,4}}",
        rf"(?<!\w)[\w-]{{2,30}}(?:{_SUFFIX}) [0-9]{{1,4}}[a-z]?(?!\w|[.,][0-9])",
        _of_a_place,
        back=60,
    ),
    rule(
        "street-named-first",
        "STREET_ADDRESS",
        rf"\b(?:{_STREET_FIRST}) [^\n]{{2,44}}[0-9]",
        rf"(?<!\w)(?:[0-9]{{1,4}}(?: ?bis| ?ter)?,? )?(?:{_STREET_FIRST}) (?:{_PARTICLE} ){{0,2}}(?:l'|d')?(?-i:[A-ZÀ-Þ])[\w' .’-]{{1,36}}?,? (?:n[°º.]? ?)?[0-9]{{1,4}}(?!\w|[.,][0-9])|"
        rf"(?<!\w)[0-9]{{1,4}}(?: ?bis| ?ter)?,? (?:{_STREET_FIRST}) (?:{_PARTICLE} ){{0,2}}(?:l'|d')?(?-i:[A-ZÀ-Þ])[\w'’-]+",
        needs=tuple(_STREET_FIRST.replace("\\", "").replace("(?:á|a)", "").replace("(?:é|e)", "").split("|")),
    ),
    rule(
        "street-number-first",
        "STREET_ADDRESS",
        rf"\b[0-9]{{1,5}},? (?:{_STREET_FIRST}) ",
        rf"(?<!\w)[0-9]{{1,4}}(?: ?bis| ?ter)?,? (?:{_STREET_FIRST}) (?:{_PARTICLE} ){{0,2}}(?:l'|d')?(?-i:[A-ZÀ-Þ])[\w'’-]+",
    ),
    rule(
        "unit",
        "STREET_ADDRESS",
        r"\b(?:apt|apartment|suite|ste|unit|flat|wohnung|appt|appartement|piso|room|lgh)\b\.? ?#? ?[0-9]{1,5}\b",
        r"(?<!\w)(?:apt|apartment|suite|ste|unit|flat|wohnung|appt|appartement|piso|room|lgh)\b\.? ?#? ?[0-9]{1,5}[a-z]?(?!\w)",
        _in_an_address,
    ),
    rule(
        "box",
        "STREET_ADDRESS",
        r"\b(?:p\.? ?o\.? ?box|postfach|bo(?:î|i)te postale|apartado|casella postale|psc [0-9]{1,5},? box|unit [0-9]{1,5},? box) [0-9]{1,6}|\b(?:apo|fpo|dpo),? (?:aa|ae|ap) [0-9]{5}",
        r"(?<!\w)(?:p\.? ?o\.? ?box|postfach|bo(?:î|i)te postale|apartado|casella postale|psc [0-9]{1,5},? box|unit [0-9]{1,5},? box) [0-9]{1,6}|"
        r"(?<!\w)(?:apo|fpo|dpo),? (?:aa|ae|ap) [0-9]{5}(?!\w)",
    ),
    rule(
        "postcode",
        "STREET_ADDRESS",
        r"\b[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}\b|\b[A-Z]{2},? [0-9]{5}(?:-[0-9]{4})?\b|"
        rf"\b(?:{_COUNTRIES})\)? [0-9]{{4,6}}\b",
        r"(?<!\w)(?-i:[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2})(?!\w)|(?<!\w)(?-i:[A-Z]{2}),? [0-9]{5}(?:-[0-9]{4})?(?!\w)|"
        rf"(?<!\w)(?:{_COUNTRIES})\)? [0-9]{{4,6}}(?!\w)",
        _in_an_address,
    ),
    rule(
        "lives-at",
        "STREET_ADDRESS",
        rf"{_LIVES}[^\n]{{0,60}}[0-9]",
        rf"(?<!\w){_LIVES}(?: (?:at|in|on|to|from|is|the|:|=|(?:north|south|east|west)(?: side)?|side|of|currently|now|old|new|just)){{0,5}}[ :=]{{1,3}}(?P<value>(?:[0-9]{{1,6}} (?:[0-9]{{1,4}} )?(?-i:[^\W\d_a-z])[\w'’.-]+(?: [\w'’.-]+){{0,3}}|"
        rf"(?-i:[^\W\d_a-z])[\w'’.-]*(?: [\w'’.-]+){{0,4}} [0-9]{{1,5}}[a-z]?)(?!\w))",
        _of_a_place,
        back=90,
        ahead=60,
    ),
    rule(
        "born",
        "DATE_OF_BIRTH",
        rf"{_BIRTH}[^0-9]{{0,64}}[0-9]",
        rf"(?<![a-z]){_BIRTH}[^0-9]{{0,64}}(?P<value>{_DATE})",
        needs=(
            "birth",
            "dob",
            "d.o.b",
            "born",
            "geb",
            "naissance",
            "né",
            "ne ",
            "nac",
            "nasc",
            "nat",
            "geboorte",
            "urodz",
            "fød",
            "föd",
            "fod",
            "syntym",
            "рожд",
            "родил",
            "出生",
            "生年",
            "생년",
            "जन्म",
        ),
        ahead=60,
        back=120,
    ),
    rule(
        "born-behind",
        "DATE_OF_BIRTH",
        rf"[0-9][^\n]{{1,30}}{_BIRTH}",
        rf"(?P<value>{_DATE})[^\n0-9]{{1,30}}{_BIRTH}(?![a-z])",
        needs=(
            "birth",
            "dob",
            "d.o.b",
            "born",
            "geb",
            "naissance",
            "né",
            "ne ",
            "nac",
            "nasc",
            "nat",
            "geboorte",
            "urodz",
            "fød",
            "föd",
            "fod",
            "syntym",
            "рожд",
            "родил",
            "出生",
            "生年",
            "생년",
            "जन्म",
        ),
        back=90,
    ),
)
