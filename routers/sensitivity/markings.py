"""Markings: words by which a document says that it must not get about.

Talking about secrecy is not a marking. What counts is how markings are set: in capitals, at the head of the text or
alone on a line, in brackets, behind "Classification:", or in the fixed phrases that are hardly used otherwise.
"""

import re
from typing import Final

from routers.sensitivity.near import Near
from routers.sensitivity.rule import Rule, rule

_PHRASES: Final = (
    r"(?:strictly|company|highly|commercially|business|commercial[ -]in[ -])[ -]?confiden(?:tial|ce)|"
    r"confidential(?: (?:and|&) (?:proprietary|privileged)| information)|proprietary (?:and|&) confidential|"
    r"(?:for )?internal (?:use )?only|for internal use|internal distribution only|"
    r"do not (?:distribute|forward|share(?: externally)?|disclose|copy|circulate|redistribute)|"
    r"not for (?:external |public |onward |further )?(?:release|distribution|disclosure|circulation)|"
    r"attorney[- ]client (?:privileged?|communication)|privileged (?:and|&) confidential|attorney work product|legally privileged|"
    r"without prejudice|under nda|subject to (?:an )?nda|nda[- ]protected|covered by (?:an |our )?nda|non-disclosure agreement applies|"
    r"material non-?public information|\bmnpi\b|insider information|inside information|"
    r"(?:under )?(?:strict )?embargo(?:ed)? until|embargoed|trade secret|"
    r"need[- ]to[- ]know(?: basis)?|eyes only|top secret|secret//noforn|noforn|controlled unclassified information|\bcui\b|"
    r"for official use only|\bfouo\b|law enforcement sensitive|official[- ]sensitive|"
    r"itar[- ](?:controlled|restricted)|export[- ]controlled|subject to (?:the )?(?:ear|itar|export control)|ear99|eccn [0-9][a-e][0-9]{3}|"
    r"restricted distribution|limited distribution|draft[- ]+confidential|board[- ]confidential|"
    r"streng vertraulich|vertraulich|nur f(?:ü|ue)r den (?:internen|dienst)\w*(?: gebrauch)?|nur (?:zur |für )?intern(?:en?|er)?(?: verwendung| gebrauch)?|"
    r"verschlusssache|geheim|betriebsgeheimnis|gesch(?:ä|ae)ftsgeheimnis|"
    r"strictement confidentiel|confidentiel(?:le)?|diffusion restreinte|usage interne(?: uniquement)?|r(?:é|e)serv(?:é|e) (?:à|a) l'usage interne|ne pas diffuser|secret des affaires|"
    r"estrictamente confidencial|confidencial|uso interno|s(?:ó|o)lo para uso interno|no (?:distribuir|divulgar)|"
    r"strettamente confidenziale|riservato|uso interno|non divulgare|strettamente riservato|"
    r"strikt vertrouwelijk|vertrouwelijk|uitsluitend (?:voor )?intern gebruik|"
    r"estritamente confidencial|uso interno exclusivo|"
    r"(?:ś|s)ci(?:ś|s)le poufne|poufne|do u(?:ż|z)ytku wewn(?:ę|e)trznego|"
    r"str(?:ä|a)ngt f(?:ö|o)rtroligt|konfidentiellt|konfidentielt|fortrolig|luottamuksellinen|"
    r"строго конфиденциально|конфиденциально|для служебного пользования|"
    r"机密|绝密|内部资料|内部使用|保密|機密|社外秘|極秘|取扱注意|部外秘|대외비|기밀|गोपनीय"
)
_LEVELS: Final = r"confidential|restricted|secret|internal|private|proprietary|sensitive|privileged|classified|vertraulich|confidentiel|confidencial|riservato|intern"
_TALK: Final = re.compile(  # asking about markings
    r"\b(?:what (?:does|do|is|are)|define|definition|explain|meaning|mean|means|synonyms?|difference|stricter|how (?:do|does|to|can)|"
    r"when do|is it|template|clause|example|adjective|levels? of|add an?|write an?|draft an? (?:generic|nda|template)|should (?:we|i)|"
    r"agreements?|watermark|policy)\b|\?",
    re.IGNORECASE,
)


def _line(near: Near) -> tuple[str, str]:
    """What stands on the same line before and behind."""
    start = near.text.rfind("\n", 0, near.start) + 1
    stop = near.text.find("\n", near.end)
    return near.text[start : near.start], near.text[near.end : len(near.text) if stop < 0 else stop]


def _set(match: re.Match[str], near: Near) -> bool:
    """Whether the phrase is set as a marking and not merely mentioned."""
    before, behind = _line(near)
    phrase = match[0]
    if before[-1:] in "'\"‘“" and before[-1:] and behind[:1] in "'\"’”":
        return False
    capitals = phrase.isupper()
    lead = before.strip(" \t#>*-_[(<=/|:.")
    alone = not lead and (
        not behind.strip(" \t*_-])>=/.!|:") or re.match(r"\s*(?:[-–—:/|\]\)*.!]|//)", behind) is not None
    )
    if capitals and (alone or not lead or (len(phrase) > 12 and lead.isupper())):
        return True
    if alone:
        return True
    if _TALK.search(before[-80:] + " " + behind[:60]):
        return False
    return capitals or _STATED.search(before[-60:]) is not None or (not lead and phrase[:1].isupper())


_STATED: Final = re.compile(
    r"(?:this|these|the following|attached|enclosed|below|document|deck|memo|e-?mail|message|file|report|content|material|contains?|marked|"
    r"classified as|is|are|dies(?:es|er)?|ce document|este documento|documento)\W+(?:\w+\W+){0,3}$",
    re.IGNORECASE,
)


def _labelled(_: re.Match[str], near: Near) -> bool:
    before, behind = _line(near)
    return _TALK.search(before[-60:]) is None and "?" not in behind[:60]


RULES: Final[tuple[Rule, ...]] = (
    rule(
        "marking-phrase",
        "CONFIDENTIAL_MARKING",
        "|".join(
            sorted(
                {
                    "confidential",
                    "internal (?:use |distribution )?only",
                    "for internal use",
                    "in[ -]confidence",
                    "do not (?:distribute|forward|share|disclose|copy|circulate|redistribute)",
                    "not for [a-z ]{0,10}(?:release|distribution|disclosure|circulation)",
                    "attorney[- ]",
                    r"\bprivileged",
                    "without prejudice",
                    r"\bnda\b",
                    "non-?public information",
                    "mnpi",
                    "insider? information",
                    "embargo",
                    "trade secret",
                    "need[- ]to[- ]know",
                    "eyes only",
                    "top secret",
                    "noforn",
                    "controlled unclassified",
                    "\\bcui\\b",
                    "official use only",
                    "\\bfouo\\b",
                    "enforcement sensitive",
                    "official[- ]sensitive",
                    r"\bitar\b",
                    "export[- ]control",
                    "subject to (?:the )?ear",
                    r"\bear99",
                    "eccn [0-9]",
                    "(?:restricted|limited) distribution",
                    "vertraulich",
                    r"\bnur f",
                    r"\bnur (?:zur )?intern",
                    "verschlusssache",
                    r"\bgeheim",
                    "confidentiel",
                    "diffusion restreinte",
                    "usage interne",
                    "ne pas diffuser",
                    "secret des affaires",
                    "confidencial",
                    "uso interno",
                    "no (?:distribuir|divulgar)",
                    "confidenziale",
                    "riservato",
                    "non divulgare",
                    "vertrouwelijk",
                    "intern gebruik",
                    "poufne",
                    "ytku wewn",
                    "rtroligt",
                    "konfidentiel",
                    "fortrolig",
                    "luottamuksellinen",
                    "конфиденциально",
                    "служебного пользования",
                    "机密",
                    "绝密",
                    "内部资料",
                    "内部使用",
                    "保密",
                    "機密",
                    "社外秘",
                    "極秘",
                    "取扱注意",
                    "部外秘",
                    "대외비",
                    "기밀",
                    "गोपनीय",
                    "КОНФИДЕНЦИАЛЬНО",
                    "Конфиденциально",
                }
            )
        ),
        _PHRASES + r"|confidential",
        _set,
        back=48,
        ahead=40,
    ),
    rule(
        "marking-label",
        "CONFIDENTIAL_MARKING",
        rf"(?:classification|sensitivity|confidentiality|data class|security level|klassifizierung|einstufung|clasificaci.{{1,2}}n)\b[^\n]{{0,12}}[:=][^\n]{{0,6}}(?:{_LEVELS})",
        rf"(?:classification|sensitivity|confidentiality|data class|security level|klassifizierung|einstufung|clasificaci[oó]n)\b[^\n]{{0,12}}[:=][^\n]{{0,6}}(?:{_LEVELS})",
        _labelled,
        needs=(
            "classification",
            "sensitivity",
            "confidentiality",
            "data class",
            "security level",
            "klassif",
            "einstufung",
            "clasific",
        ),
        back=70,
    ),
    rule(
        "marking-tlp",
        "CONFIDENTIAL_MARKING",
        r"\bTLP ?: ?(?:RED|AMBER|GREEN)",
        r"(?<!\w)TLP ?: ?(?:RED|AMBER(?:\+STRICT)?)(?!\w)",
        _labelled,
        needs=("tlp",),
        back=24,
    ),
)
