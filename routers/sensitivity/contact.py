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
        r"[a-z](?:stra(?:ss|\xc3\x9f)e|str\.|weg|platz|allee|gasse|straat|laan|gatan|gata|v[aä]gen|vej|gade|gate|katu|tie) [0-9]{1,4}",
        r"(?<!\w)[\w-]{2,30}(?:stra(?:ss|ß)e|str\.|weg|platz|allee|gasse|straat|laan|gatan|gata|v[aä]gen|vej|gade|gate|katu|tie) [0-9]{1,4}[a-z]?(?!\w)",
        back=60,
    ),
    rule(
        "street-romance",
        "STREET_ADDRESS",
        r"\b(?:rue|avenue|boulevard|calle|via|viale|piazza|rua|avenida|plaza|paseo|ulica|ul\.) [^\n]{2,40}[0-9]{1,4}",
        r"(?<!\w)(?:[0-9]{1,4},? )?(?:rue|avenue|boulevard|calle|via|viale|piazza|rua|avenida|plaza|paseo|ulica|ul\.) (?:d[eiaou]s?l?a? )?(?-i:[A-Z])[\w' .-]{1,36}[ ,][0-9]{1,4}(?!\w)",
        needs=(
            "rue",
            "avenue",
            "boulevard",
            "calle",
            "via",
            "piazza",
            "rua",
            "avenida",
            "plaza",
            "paseo",
            "ulica",
            "ul.",
        ),
    ),
    rule(
        "born",
        "DATE_OF_BIRTH",
        rf"{_BIRTH}[^\n]{{0,24}}[0-9]",
        rf"(?<![a-z]){_BIRTH}[^\n0-9]{{0,40}}(?P<value>{_DATE})",
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
