"""Mail addresses, and dates of birth: a date beside a word for being born."""

import re
from typing import Final

from routers.sensitivity import public
from routers.sensitivity.near import Near
from routers.sensitivity.rule import Rule, rule, stems

_NOBODY: Final = re.compile(  # no person's address: images at two resolutions, packages, decorators
    r"@(?:[0-9]+x|media|import|param|return|types|babel)\b|\.(?:png|jpe?g|gif|svg|py|js|ts|css)$|^git@",
    re.IGNORECASE,
)


def _mail(match: re.Match[str], _: Near) -> bool:
    return _NOBODY.search(match[0]) is None


_MONTH: Final = (
    r"(?:enero|gennaio|jan(?:uary|uar|vier|eiro)?|feb(?:ruary|ruar|rero|braio)?|f[eé]v(?:rier|ereiro)?|mar(?:ch|s|"
    r"zo|ço)?|m[aä]rz|"
    r"apr(?:il|ile)?|avr(?:il)?|abr(?:il)?|ma[iy]o?|maggio|mei|june?|juni|juin|junio|giugno|july?|juli|juillet|"
    r"julio|luglio|"
    r"aug(?:ust)?|ao[uû]t|agosto|sep(?:t(?:ember|embre|iembre)?)?|settembre|setembro|o[ck]t(?:ober|obre|ubre)?|"
    r"ottobre|outubro|"
    r"stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|września|października|listopada|grudnia|"
    r"januari|februari|maart|augustus|januar|februar|mars|maj|augusti|oktober|desember|"
    r"nov(?:ember|embre|iembre|embro)?|de[cz](?:ember|embre|iembre|embro)?|d[eé]c(?:embre)?|dicembre|dezembro)"
)
_DATE: Final = (
    r"(?:[0-9]{1,4} ?[./-] ?[0-9]{1,2} ?[./-] ?[0-9]{1,4}|[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日|"
    r"[0-9]{4}년 ?[0-9]{1,2}월 ?[0-9]{1,2}일|"
    rf"[0-9]{{1,2}}(?:st|nd|rd|th|er|º)?\.? (?:of |de )?{_MONTH}\.?,? (?:de |del )?(?:[0-9]{{4}}|[0-9]{{2}}(?![0-9:]))|"
    rf"{_MONTH}\.? [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}}|[0-9]{{1,2}}[-/]{_MONTH}[-/][0-9]{{2,4}}|[0-9]{{8}})"
)
_YEAR: Final = re.compile(r"[0-9]{4}")
_LIVING: Final = 1912  # nobody is alive who was born before


_TOLD: Final = re.compile(
    r"\b(?:born|née? le|geboren|nació|nacid[oa]|naci[óu]|nato|nata|nacque|urodzon|född)", re.IGNORECASE
)


def _living(match: re.Match[str], near: Near) -> bool:
    """Whether somebody born then can be alive, and is not known to everybody: history is full of births."""
    if _TOLD.search(match[0]) and public.figure(near.text[max(0, match.start() - 80) : match.end() + 60]):
        return False
    year = _YEAR.search(match["value"])
    return year is None or len(match["value"]) == 8 or not 1000 <= int(year[0]) < _LIVING  # ymd, or years


_BIRTH: Final = (
    "date of birth|date_of_birth|date-of-birth|dateofbirth|birth date|birth_date|birthdate|birth-date|birthday|"
    "birth day|"
    "dob|d\\.o\\.b|born|bday|geboren|geburtsdatum|geburtstag|geb\\.|\\bné(?:e|\\(e\\))? le|\\bnee le|\\bne le|birth ?:|"
    "f\\. ?nac|fec\\. ?nac|fecha nac|date de naissance|naissance|"
    "fecha de nacimiento|"
    "nacid[oa]|nací|data de nascimento|nascid[oa]|nasci em|data di nascita|nat[oa] il|geboortedatum|data urodzenia|"
    "urodzon[ya]|\\bur\\. |födelsedatum|född|fødselsdato|født|syntymäaika|syntynyt|doğum tarihi|datum narození|"
    "fecha de nac|data de nasc|data di nasc|date de naiss|birth_?dt|bdate|d o b|zur welt|"
    "urodził|nació|nasceu|narozen|è nato|è nata|date naiss|geb-?dat|"
    "дата рождения|родил|出生|生年月日|생년월일|जन्म"
)

RULES: Final[tuple[Rule, ...]] = (
    rule(
        "email",
        "EMAIL_ADDRESS",
        r"@[a-z0-9][a-z0-9.-]{0,60}\.[a-z]{2}",
        r"(?<![\w.+-])[\w%+-][\w.%+'-]{0,63}@(?:[\w-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9])",
        _mail,
        needs=("@",),
        leads=True,
        back=140,
        ahead=60,
    ),
    rule(
        "email-with-spaces",
        "EMAIL_ADDRESS",
        r"[a-z0-9] @ [a-z0-9]",
        r"(?<![\w.+-])[\w.%+-]{2,64} @ (?:[\w-]{1,63}\.){1,4}(?:com|org|net|edu|gov|info|io|biz|[a-z]{2})(?![\w.])",
        _mail,
        needs=(" @ ",),
        back=70,
        ahead=80,
    ),
    rule(
        "born",
        "DATE_OF_BIRTH",
        rf"(?:{_BIRTH})",
        rf"(?<![a-z])(?:{_BIRTH})[^0-9]{{0,64}}(?P<value>{_DATE})",
        _living,
        needs=stems(_BIRTH),
        leads=True,
        starts=True,
        back=32,
        ahead=110,
    ),
    rule(
        "born-spoken",
        "DATE_OF_BIRTH",
        r"(?:born|birth|birthday|dob)[^\n0-9]{1,80}(?:nineteen|two thousand|twenty)",
        rf"(?<![a-z])(?:born|date of birth|birthday|birth date|"
        rf"dob)[^\n0-9]{{1,24}}?(?P<value>(?:[a-z-]{{3,8}} ){{1,3}}(?:of )?"
        rf"{_MONTH},? (?:the year )?(?:of )?(?:nineteen|two thousand|twenty)[a-z -]{{0,24}})",
        lambda _match, _near: True,
        needs=("born", "birth", "dob"),
        leads=True,
        starts=True,
        back=110,
        ahead=40,
    ),
    rule(
        "born-in-brackets",
        "DATE_OF_BIRTH",
        r"\((?:b|geb|née?|nat[oa]|nac|ur|f)\.? ?[0-9]",
        rf"\((?:b|geb|née?|nat[oa]|nac|ur|f)\.? ?(?P<value>{_DATE})",
        _living,
        needs=("(",),
        ahead=40,
    ),
    rule(
        "born-behind",
        "DATE_OF_BIRTH",
        rf"(?:{_BIRTH})",
        rf"(?<![A-Za-z0-9])(?P<value>{_DATE})[^\n0-9]{{1,30}}(?<![a-z])(?:{_BIRTH})(?![a-z])",
        _living,
        needs=stems(_BIRTH),
        leads=True,
        starts=True,
        back=90,
    ),
)
