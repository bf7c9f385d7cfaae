"""Postal addresses, known by their parts: a street with a number, a unit or a postcode beside a house, "lives at"."""

import re
from typing import Final

from routers.sensitivity import public
from routers.sensitivity.near import Near
from routers.sensitivity.rule import Rule, by_letter, rule, stems
from routers.sensitivity.trigger import DENSE, HOUSE, Trigger

_STREET: Final = (
    r"street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|circle|cir|place|pl|terrace|ter|way|"
    r"parkway|pkwy|close|crescent|square|sq|highway|hwy|trail|row|mews|gardens|grove|walk|hill|green|loop|route|"
    r"rise|view|heights|"
    r"wharf|yard|pike|quay|croft|alley|cove|hollow|landing|turnpike|parade|esplanade|plaza|vale|chase|bend|crossing|"
    r"ridge"
)
_SUFFIX: Final = (  # what street names end with where they are one word
    r"stra(?:ss|ß)e|str\.|weg|platz|allee|gasse|damm|ufer|steig|straat|laan|gracht|kade|plein|dreef|gatan|gata|vägen|"
    r"vagen|vegen|veien|vej|gade|gate|stien|allé|torget|katu|tie|kuja|polku|puiestee|promenade|chaussee|pfad|graben|"
    r"zeile|siedlung|stiege|utca|útja|ulica|ulice|cesta|náměstí"
)
_STREET_FIRST: Final = (  # and what they begin with where they are several
    r"rue|avenue|boulevard|chemin|impasse|quai|calle|carrer|via|viale|piazza|corso|largo|strada|rua|avenida|travessa|"
    r"plaza|paseo|camino|ulica|ul\.|bulevardul|av\.|avda\.|aleja|al\.|os\.|plac\b|pl\."
)
_PARTICLE: Final = (
    r"(?:de|del|della|delle|dei|degli|di|da|do|dos|das|des|du|la|le|les|los|las|el|van|von|der|den|the|of|"
    r"san|st\.?)"
)
_LARGE: Final = r"(?-i:[A-ZÀ-Þ])[\w'\u2019-]+"  # a word written large
_UNIT: Final = r"apt|apartment|suite|ste|unit|flat|wohnung|appt|appartement|piso|room|lgh"
_BOX: Final = (
    r"po box|p\.o\. box|p\.? o\.? box|post office box|postfach|boîte postale|apartado|casella postale|"
    r"psc [0-9]{1,5},? box|unit [0-9]{1,5},? box"
)
_LIVES: Final = (
    r"live[sd]?|living|reside[sd]?|residing|resident|wohn(?:t|e|haft|hen)|habite|vive|vivo|abit[ao]|woon[t]?|"
    r"mieszka(?:m)?|bor|asuu|home address|my address|her address|his address|their address|mailing address|"
    r"shipping address|billing address|delivery address|postal address|following address|current address|new address|"
    r"street address|residential address|deliver(?:y|ed)? to|ship(?:ped)? to|taxi to|pick (?:me|him|her|us|them) up|"
    r"moved (?:to|from)|meet (?:you|me|us) at|adresse|anschrift|domicilio|morada|zamieszk\w{1,6}|mieszkam|na adres|"
    r"adres|umgezogen|dirección|indirizzo|endereço|住所|地址|주소"
)
_LINK: Final = (
    r"(?: (?:at|in|on|to|from|is|the|side|of|currently|now|old|new|just|north|south|east|west|bei|en|à|in der|"
    r"am|i|på))"
)
_FIELDS: Final = (  # of records
    r"street\w{0,10}|address_?line_?[12]|addressline[12]|address1|line_?1|strasse|straße|anschrift|calle|dirección|"
    r"direccion|"
    r"indirizzo|morada|adres|ulica|endereco|endereço|adresse"
)
_COUNTRIES: Final = (
    "afghanistan|albania|algeria|andorra|angola|argentina|armenia|australia|austria|azerbaijan|bahrain|bangladesh|belarus|"
    "belgium|bolivia|bosnia(?: and herzegovina)?|botswana|brazil|bulgaria|cambodia|cameroon|canada|chile|china|"
    "colombia|"
    "costa rica|croatia|cuba|cyprus(?: \\(greek\\))?|czech republic|czechia|denmark|dominican republic|ecuador|"
    "egypt|estonia|"
    "ethiopia|faroe islands|finland|france|georgia|germany|ghana|greece|greenland(?:er)?|guatemala|honduras|"
    "hungary|iceland|india|"
    "indonesia|iran|iraq|ireland|israel|italy|jamaica|japan|jordan|kazakhstan|kenya|kuwait|latvia|lebanon|libya|"
    "liechtenstein|lithuania|luxembourg|malaysia|malta|mexico|moldova|monaco|mongolia|morocco|mozambique|namibia|nepal|"
    "netherlands|new zealand|nicaragua|nigeria|north macedonia|norway|oman|pakistan|panama|paraguay|peru|"
    "philippines|poland|"
    "portugal|qatar|romania|russia|rwanda|saudi arabia|senegal|serbia|singapore|slovakia|slovenia|south africa|"
    "south korea|"
    "spain|sri lanka|sudan|sweden|switzerland|syria|taiwan|tanzania|thailand|tunisia|turkey|uganda|ukraine|"
    "united arab emirates|united kingdom|united states|uruguay|uzbekistan|venezuela|vietnam|zambia|zimbabwe"
)
_HOUSE: Final = re.compile(  # a number with a name beside it, as houses have
    r"(?<![\w.,$])[0-9]{1,6}[A-Za-z]?,? (?:[0-9]{1,4} )?"
    r"(?:[A-ZÀ-Þ\u0370-\u04ff][\w'\u2019.-]+|[a-z]+ (?:street|avenue|road|lane|drive))|"
    r"[A-ZÀ-Þ\u0370-\u04ff][\w'\u2019.-]+ [0-9]{1,5}(?![\w.,:%]*[0-9%])"
)
_MONTH: Final = re.compile(
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december|since|until)\b",
    re.IGNORECASE,
)


def _of_a_place(match: re.Match[str], _: Near) -> bool:
    """Written large, and no month: no ordinary word with a number behind it."""
    value = match["value"] if "value" in match.re.groupindex else match[0]
    return any(map(str.isupper, value)) and _MONTH.match(value) is None


def _in_an_address(match: re.Match[str], near: Near) -> bool:
    """Whether a house stands before it or behind it: a unit or a postcode alone is no address."""
    before = near.text[max(0, match.start() - 90) : match.start()]
    behind = near.text[match.end() : match.end() + 40].lstrip(" ,\n>?")
    return _HOUSE.search(before) is not None or _HOUSE.match(behind) is not None


RULES: Final[tuple[Rule, ...]] = (
    rule(
        "street-english",
        "STREET_ADDRESS",
        rf"[0-9][a-z]?,? (?:[a-z'.]{{1,20}} ){{1,3}}(?:{by_letter(_STREET)})\b",
        rf"(?<![A-Za-z0-9.])[0-9]{{1,5}}[A-Za-z]?,? (?:(?-i:[A-Z])[\w'.-]{{1,20}} ){{1,3}}(?:{_STREET})\b\.?",
        lambda match, _: not public.landmark(match[0]),
    ),
    rule(
        "street-suffix",
        "STREET_ADDRESS",
        rf"(?:{_SUFFIX}) [0-9]{{1,4}}",
        rf"(?<!\w)[\w-]{{2,30}}(?:{_SUFFIX}) [0-9]{{1,4}} ?(?:bis|ter|[a-z])?(?!\w|[.,][0-9])",
        _of_a_place,
        needs=stems(_SUFFIX),
        leads=True,
        among=HOUSE,
    ),
    rule(
        "street-named-first",
        "STREET_ADDRESS",
        rf"\b(?:{_STREET_FIRST}) [^\n]{{2,44}}[0-9]",
        rf"(?<!\w)(?:[0-9]{{1,4}}(?: ?bis| ?ter)?,? )?(?:{_STREET_FIRST}) (?:{_PARTICLE} ){{0,2}}(?:l'|d')?"
        r"(?-i:[A-ZÀ-Þ])[\w' .\u2019-]{1,36}?,? (?:n[°º.]? ?)?[0-9]{1,4}(?!\w|[.,][0-9])",
        needs=stems(_STREET_FIRST),
        leads=True,
    ),
    rule(
        "street-number-first",
        "STREET_ADDRESS",
        rf"\b(?:{_STREET_FIRST}) [a-z]",
        rf"(?<!\w)[0-9]{{1,4}}(?: ?bis| ?ter)?,? (?:{_STREET_FIRST}) (?:{_PARTICLE} ){{0,2}}(?:l'|d')?{_LARGE}",
        needs=stems(_STREET_FIRST),
        leads=True,
    ),
    rule(
        "street-east-asian",
        "STREET_ADDRESS",
        r"(?:都|道|府|県|市|区|町|路|街|巷|로|길)[^\n]{0,40}[0-9]",
        r"[\u4e00-\u9fff]{1,8}(?:都|道|府|県|市|区|町)[\u3040-\u30ff\u4e00-\u9fff]{1,20}[0-9]{1,4}(?:-[0-9]{1,4}){1,3}|"
        r"[\u4e00-\u9fff]{1,20}(?:路|街|道|巷)[0-9]{1,5}(?:号|號)|[\uac00-\ud7a3]{1,12}(?:로|"
        r"길) ?[0-9]{1,4}(?:-[0-9]{1,4})?(?![0-9])",
        needs=("都", "道", "府", "県", "市", "区", "町", "路", "街", "巷", "로", "길"),
        leads=True,
    ),
    rule(
        "unit",
        "STREET_ADDRESS",
        rf"\b(?:{_UNIT})\b\.? ?#? ?[0-9]{{1,5}}\b",
        rf"(?<!\w)(?:{_UNIT})\b\.? ?#? ?[0-9]{{1,5}}[a-z]?(?!\w)",
        _in_an_address,
        needs=stems(_UNIT),
        leads=True,
    ),
    rule(
        "box",
        "STREET_ADDRESS",
        rf"(?:{_BOX}) [0-9]{{1,6}}|(?:apo|fpo|dpo),? (?:aa|ae|ap) [0-9]{{5}}",
        rf"(?<!\w)(?:(?:{_BOX}) [0-9]{{1,6}}|(?:apo|fpo|dpo),? (?:aa|ae|ap) [0-9]{{5}})(?!\w)",
        needs=(
            "po box",
            "p.",
            "p o",
            "post",
            "boîte",
            "apartado",
            "casella",
            "psc",
            "unit",
            "apo",
            "fpo",
            "dpo",
        ),
        leads=True,
        starts=True,
    ),
    rule(
        "postcode",
        "STREET_ADDRESS",
        (
            Trigger(r" [0-9][A-Z]{2}\b", caseless=False),
            Trigger(r"\b[A-Z]{2},? [0-9]{5}\b", caseless=False, among=DENSE),
            Trigger(rf"(?:{_COUNTRIES})\)? [0-9]{{4,6}}\b", needs=stems(_COUNTRIES), leads=True, starts=True),
        ),
        r"(?<!\w)(?-i:[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2})(?!\w)|"
        r"(?<!\w)(?-i:[A-Z]{2}),? [0-9]{5}(?:-[0-9]{4})?(?!\w)|"
        rf"(?<!\w)(?:{_COUNTRIES})\)? [0-9]{{4,6}}(?!\w)",
        _in_an_address,
    ),
    rule(
        "house-and-postcode",
        "STREET_ADDRESS",
        r"[0-9](?:[0-9]-[0-9]{3}|[0-9]{2} [0-9]{2}|[0-9]{3}) (?:[A-Z]|[^\x00-\x7f])",
        r"(?<![\w.,$])(?P<value>(?:(?:[A-ZÀ-ÞŁŚŻ][\w'\u2019.-]*|am|an|auf|im|der|den|de|del|du|da|la|op|van|i|w|em|"
        r"na|och) ){1,5}"
        r"(?:n[°ºr.]{1,2} ?)?[0-9]{1,4} ?(?:bis|ter|[a-zA-Z])?(?:[/-][0-9]{1,4})?|"
        r"[0-9]{1,4} ?(?:bis|ter|[a-zA-Z])?,? (?:[A-ZÀ-Þa-zà-ÿ][\w'\u2019.-]* ){0,4}[A-ZÀ-Þ][\w'\u2019.-]*)"
        r"(?:[^\S\n]*[,\n|;-]\s*| (?:in|à|te|w|em|en) )(?:[^\n,]{2,24}[,\n] ?)?(?:[A-Z]{1,2}-)?"
        r"(?:[0-9]{5}|(?!19|20)[0-9]{4}|[0-9]{2}-[0-9]{3}|[0-9]{4}-[0-9]{3}|"
        r"[0-9]{3} [0-9]{2}) (?:[A-Z]{2} )?[A-ZÀ-ÞŁŚŻ]",
        _of_a_place,
        caseless=False,
        among=DENSE,
        back=110,
        ahead=4,
    ),
    rule(
        "street-field",
        "STREET_ADDRESS",
        rf"(?:{_FIELDS})[\"']?\s?[:=]\s?[\"']?[^\s]",
        rf"(?<![A-Za-z])(?:{_FIELDS})[\"']?\s?[:=]\s?[\"']?(?P<value>[0-9]{{1,5}}[A-Za-z]?,? "
        rf"(?-i:[A-ZÀ-Þ])[^\n\"':@]{{2,60}}|"
        r"(?-i:[A-ZÀ-Þ])[^\n\"':@0-9]{2,40} [0-9]{1,5}[a-z]?(?![\w.:@]))",
        needs=stems(_FIELDS),
        leads=True,
        starts=True,
        back=60,
        ahead=80,
    ),
    rule(
        "lives-at",
        "STREET_ADDRESS",
        rf"(?:{_LIVES})[^\n]{{0,60}}[0-9]",
        rf"(?<!\w)(?:{_LIVES}){_LINK}{{0,5}}[ :=]{{1,3}}(?P<value>(?:[0-9]{{1,6}} (?:[0-9]{{1,4}} )?"
        r"(?-i:[^\W\d_a-z])[\w'\u2019.-]+(?: [\w'\u2019.-]+){0,3}|"
        r"(?-i:[^\W\d_a-z])[\w'\u2019.-]*(?: [\w'\u2019.-]+){0,4} [0-9]{1,5}[a-z]?)(?!\w))",
        _of_a_place,
        needs=stems(_LIVES),
        leads=True,
        starts=True,
        back=90,
    ),
)
