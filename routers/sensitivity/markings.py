"""Markings: words by which a document says that it must not get about.

Talking about secrecy is not a marking. What counts is how markings are set: in capitals, at the head of the text or
alone on a line, in brackets, behind "Classification:", or stated of the document itself ("this memo is …").
"""

import re
from typing import Final

from routers.sensitivity.near import Near
from routers.sensitivity.rule import Rule, by_letter, rule, stems

# Each begins with a literal; other languages after English.
_WORDS: Final = (
    r"confidential(?: (?:and|&) (?:proprietary|privileged)| information)?|proprietary (?:and|&) confidential|"
    r"strictly confidential|company confidential|highly confidential|commercially confidential|business confidential|"
    r"board confidential|commercial[ -]in[ -]confidence|in strict confidence|"
    r"internal (?:use |distribution |eyes )?only|internal use|for internal (?:use|distribution|circulation)|"
    r"do not (?:distribute|forward|share(?: externally)?|disclose|copy|circulate|redistribute|publish)|"
    r"not for (?:external |public |onward |further |general )?(?:release|distribution|disclosure|circulation|"
    r"publication)|"
    r"attorney[- ]client (?:privileged?|communication)(?: (?:communication|material|information|document))?|"
    r"attorney work product|privileged (?:and|&) confidential|"
    r"legally privileged|legal privilege|without prejudice|"
    r"under (?:an |our |the |your |mutual )?nda|subject to (?:an |our |the )?nda|nda[- ]protected|covered by "
    r"(?:an |our |the )?nda|nda required|"
    r"material non-?public information|mnpi|insider information|inside information|"
    r"embargo(?:ed)? until|under embargo|strict embargo|trade secrets?|"
    r"need to[- ]know(?: basis)?|need-to[- ]know(?: basis)?|eyes only|top secret|secret//|noforn|"
    r"controlled unclassified information|"
    r"cui//|cui\b|"
    r"for official use only|fouo\b|law enforcement sensitive|official[- ]sensitive|"
    r"itar[- ](?:controlled|restricted)|export[- ]controlled|controlled (?:under|by) (?:the )?(?:itar|ear)\b|"
    r"export[^.\n]{0,40} (?:is|are) (?:strictly )?(?:prohibited|forbidden)|no foreign nationals|subject to "
    r"(?:the )?(?:ear|itar|export)\b|ear99|"
    r"eccn:? ?[0-9][a-e][0-9]{3}|classified information|company secret|company[- ]internal|"
    r"private (?:and|&) confidential|strictly private (?:and|&) confidential|personal (?:and|&) confidential|in "
    r"confidence\b|"
    r"restricted distribution|restricted circulation|limited distribution|restricted data|"
    r"streng vertraulich|streng geheim|vertraulich(?: zu)? behandeln|"
    r"vertrauliche[nrs]? (?:unterlagen?|dokumente?|informationen?|mitteilung|daten)|vertraulich|nur zum "
    r"(?:internen|dienstlichen) gebrauch|"
    r"dokument poufny|nur für den (?:internen |dienst)\w*(?: gebrauch)?|"
    r"nur zur internen verwendung|"
    r"nur intern(?:er gebrauch)?|interner gebrauch|verschlusssache|geheim\b|betriebsgeheimnis|geschäftsgeheimnis|"
    r"nicht weitergeben|nicht zur weitergabe(?: bestimmt)?|"
    r"strictement confidentiel|confidentiel(?:le)?|diffusion restreinte|usage interne(?: uniquement)?|à usage interne|"
    r"ne pas diffuser|secret des affaires|"
    r"estrictamente confidencial|confidencial|uso interno|solo para uso interno|sólo para uso interno|"
    r"no distribuir|no divulgar|"
    r"strettamente (?:confidenziale|riservato)|confidenziale|riservato|non divulgare|"
    r"strikt vertrouwelijk|vertrouwelijk|uitsluitend voor intern gebruik|alleen voor intern gebruik|"
    r"estritamente confidencial|uso exclusivo interno|"
    r"ściśle poufne|poufne|do użytku wewnętrznego|strängt förtroligt|förtroligt|konfidentiellt|konfidentielt|fortrolig|"
    r"luottamuksellinen|gizli|důvěrné|szigorúan bizalmas|bizalmas|"
    r"строго конфиденциально|конфиденциально|Конфиденциально|КОНФИДЕНЦИАЛЬНО|для служебного пользования|"
    r"Для служебного пользования|"
    r"机密|绝密|内部资料|内部使用|保密|機密|社外秘|極秘|取扱注意|部外秘|대외비|기밀|गोपनीय|سري"
)
_BE: Final = (
    r"be (?:shared|copied|forwarded|distributed|circulated|disclosed|quoted|removed|published|released|passed|"
    r"divulged)"
)
# What forbids in so many words: said of the text at hand wherever it stands.
_FORBIDDEN: Final = "|".join(
    (
        rf"not to (?:leave|{_BE})|must not {_BE}|may not {_BE}|shall not {_BE}|should not {_BE}|never to {_BE}",
        r"don.{1,3}t (?:forward|distribute|circulate|share) ?(?:this|it|these|outside|externally|[:.!,])|"
        r"do not (?:pass on|share this)",
        r"unauthori[sz]ed (?:copying|disclosure|distribution|use|reproduction|dissemination|access)[^.\n]{0,60}"
        r"(?:prohibited|forbidden|unlawful)",
        r"disclosure[^.\n]{0,40} (?:is|are) (?:strictly )?(?:prohibited|forbidden)",
        r"hush[- ]hush|keep (?:this|it)(?: one)? (?:quiet|to yourself|between us|under wraps|internal|confidential|"
        r"private|"
        r"secret)",
        r"distribution (?:is )?(?:limited|restricted) to|circulation (?:is )?(?:limited|restricted) to|"
        r"do not (?:reproduce|quote|cite)|"
        r"if you (?:have )?received (?:this|it)[^.\n]{0,40} in error|treat (?:this|it) (?:as confidential|"
        r"in confidence)|"
        r"haven.{1,3}t announced|have not announced|"
        r"strictly between us|not yet (?:public|announced)|not public(?:ly known)? yet|before (?:it|this) is announced",
        r"darf (?:dritten |nicht an dritte )?(?:nicht )?(?:an dritte )?(?:zugänglich gemacht|weitergegeben|"
        r"weitergeleitet|"
        r"veröffentlicht)|dritten nicht (?:zugänglich|bekannt)|"
        r"weitergabe (?:an dritte )?(?:ist )?(?:untersagt|verboten|nicht gestattet|nur)|"
        r"weiterleitung[^.\n]{0,50}(?:nicht (?:erlaubt|gestattet|zulässig)|untersagt|verboten)|"
        r"vervielfältigung[^.\n]{0,50}(?:nicht (?:erlaubt|gestattet)|untersagt|verboten)|nicht an dritte|"
        r"bitte vertraulich|"
        r"bleibt unter uns|unter verschluss",
        r"reproduction (?:et diffusion )?interdite|diffusion interdite|ne pas (?:divulguer|transférer|communiquer|"
        r"faire suivre)|"
        r"interdiction de (?:diffuser|divulguer)",
        r"prohibid[oa] (?:su|la|toda) (?:difusión|divulgación|reproducción|distribución|copia)|"
        r"no (?:difundir|compartir|reenviar) (?:est|fuera|con)",
        r"vietat[oa] (?:la|ogni) (?:divulgazione|diffusione|riproduzione|copia|distribuzione)|"
        r"non (?:diffondere|inoltrare|condividere)",
        r"niet (?:verspreiden|delen met|doorsturen)|vertrouwelijk (?:te )?behandelen|niet voor (?:verspreiding|"
        r"publicatie)|blijft onder ons",
        r"nie (?:udostępniać|rozpowszechniać|przekazywać|kopiować)|tajemnica (?:przedsiębiorstwa|handlowa|służbowa)",
        r"proibid[oa] a (?:reprodução|divulgação|distribuição|cópia)|não (?:divulgar|distribuir|compartilhar|"
        r"partilhar|encaminhar)",
        r"får inte (?:spridas|delas)|ikke for (?:distribusjon|deling)",
    )
)
_PHRASES: Final = "|".join(
    (
        _WORDS,
        r"proprietary information|proprietary to|for internal \w{3,12} only|for management (?:use|eyes)|"
        r"for board (?:use|eyes)|"
        r"board (?:members )?only|management only|leadership only|employees only|recipients only|addressee only|"
        r"executive committee only|pre-announcement|off the record",
        r"nur für den dienstgebrauch|vs-nfd|ausschließlich für (?:mitarbeit|den internen|interne)\w*|betriebsintern|"
        r"firmenintern|"
        r"unternehmensintern|nicht öffentlich",
        r"diffusion limitée|document interne|usage strictement interne|réservé (?:au|à) (?:comité|personnel|usage)",
        r"información (?:reservada|confidencial|privilegiada)|documento reservado|informação (?:reservada|"
        r"confidencial)|"
        r"uso restrito|sigilos[oa]|segredo (?:comercial|industrial)",
        r"ad uso interno|informazioni riservate|uso (?:esclusivamente|strettamente|esclusivo) interno|"
        r"company proprietary|privileged information",
        r"intern gebruik|bedrijfsgeheim|vertrouwelijke informatie|alleen intern",
        r"ściśle tajne|tajne|zastrzeżone|wyłącznie do użytku|internt bruk|kun for intern\w*|endast för internt",
        _FORBIDDEN,
    )
)
_LEVELS: Final = (
    r"(?:(?:strictly|highly|company)[ _-])?(?:confidential|restricted|secret|internal|private|proprietary|sensitive|"
    r"privileged|classified|"
    r"vertraulich|confidentiel|confidencial|riservato|intern|c[2-4]\b)"
)
_CALLED: Final = (
    "achtung|attention|warning|note|notice|hinweis|wichtig|important|uwaga|atención|atenção|let op|attenzione"
)
_LEVEL: Final = re.compile(rf"(?:{_LEVELS}|{_CALLED}) ?[-–—:/|,]?", re.IGNORECASE)  # noqa: RUF001  # dashes as they are typed
_LABELS: Final = (
    r"classification|data classification|sensitivity|confidentiality|data class|security level|security class|handling|"
    r"protection level|klassifizierung|einstufung|vertraulichkeit|clasificación|classificazione"
)
_TALK: Final = re.compile(  # asking about markings
    r"\b(?:what (?:does|do|is|are)|defin\w+|explain|meaning|means?|synonyms?|difference|stricter|how (?:do|does|"
    r"to|can|should)|"
    r"when do|is it|template|clause|example|adjective|levels? of|add an?|write an?|draft an? (?:generic|nda|"
    r"template)|should (?:we|i)|"
    r"agreements?|watermark|polic(?:y|ies)|why|history of|types? of|compare)\b|\?",
    re.IGNORECASE,
)
_STATED: Final = re.compile(  # said of the document itself
    r"\b(?:this|these|attached|enclosed|below|following|document|deck|memo|e-?mail|message|file|report|content|"
    r"material|draft|contains?|"
    r"marked|classified as|treat as|keep|shared|provided|disclosed|sent|given|dies(?:es|er)?|ce document|este "
    r"documento|documento|"
    r"dit document)\W+(?:\w+\W+){0,4}$",
    re.IGNORECASE,
)
_ORDER: Final = re.compile(  # what is hardly said but of the text at hand
    r"do not|not for|ne pas|no d|non div|nicht weiter|for official|for internal|internal use only|subject to|"
    r"under |covered by|"
    r"embargoed|itar[- ]|export[- ]|material non|para uso|uso interno|nur für|ausschließlich für",
    re.IGNORECASE,
)
_HIGHLY: Final = re.compile(r"(?:strictly|streng|stric|estrict|strett|estrit|strikt)", re.IGNORECASE)
_FORBIDS: Final = re.compile(_FORBIDDEN, re.IGNORECASE)
_STACCATO: Final = re.compile(r"\. ?\w+\.")  # "Confidential. Discreet. Yours."
_EDGE: Final = " \t#>*-_[(<=/|:.!"  # what decorates a line
_BEHIND: Final = re.compile(r"\s*(?:[-–—:/|\])*.!;<]|$)")  # noqa: RUF001  # dashes as they are typed
_QUOTES: Final = "'\"`\u2018\u2019\u201c\u201d"


def _line(near: Near) -> tuple[str, str]:
    """What stands on the same line before and behind."""
    start = near.text.rfind("\n", max(0, near.start - 400), near.start) + 1
    stop = near.text.find("\n", near.end, near.end + 400)
    return near.text[start : near.start], near.text[near.end : near.end + 400 if stop < 0 else stop]


def _set(match: re.Match[str], near: Near) -> bool:
    """Whether the phrase is set as a marking and not merely mentioned."""
    before, behind = _line(near)
    if before[-1:] and before[-1:] in _QUOTES and behind[:1] in _QUOTES:
        return False
    lead = before.strip(_EDGE)
    capitals = match[0].isupper() or (not match[0].isascii() and match[0].upper() == match[0].lower())
    if (not lead or _LEVEL.fullmatch(lead)) and _BEHIND.match(behind) and not _STACCATO.match(behind):
        return True
    if capitals and (not lead or (lead.isupper() and len(lead) < 40) or len(match[0]) > 12):
        return True
    if _TALK.search(before[-80:] + " " + behind[:60]):
        return False
    if _FORBIDS.match(match[0]) or (_HIGHLY.match(match[0]) and _BEHIND.match(behind)):
        return True
    return (
        (match[0][:1].isupper() and _ORDER.match(match[0]) is not None)
        or (capitals and len(match[0]) > 4)
        or _STATED.search(before[-60:]) is not None
        or before.rstrip(" ").endswith(("[", "("))
    )


def _labelled(_: re.Match[str], near: Near) -> bool:
    """A classification given, not asked about."""
    before, behind = _line(near)
    return _TALK.search(before[-60:]) is None and "?" not in behind[:60]


RULES: Final[tuple[Rule, ...]] = (
    rule(
        "marking-phrase",
        "CONFIDENTIAL_MARKING",
        _PHRASES.replace(r"\w*", "[a-z]{0,8}"),
        rf"(?<![A-Za-z])(?:{by_letter(_PHRASES)})(?![A-Za-z])",
        _set,
        needs=stems(_PHRASES),
        leads=True,
        starts=True,
        back=60,
        ahead=40,
    ),
    rule(
        "marking-label",
        "CONFIDENTIAL_MARKING",
        rf"(?:{_LABELS})\b[^\n]{{0,12}}[:=][^\n]{{0,6}}{_LEVELS}",
        rf"(?<![A-Za-z])(?:{_LABELS})\b[^\n]{{0,12}}[:=][^\n]{{0,6}}{_LEVELS}",
        _labelled,
        needs=stems(_LABELS),
        leads=True,
        starts=True,
        back=70,
    ),
    rule(
        "marking-tlp",
        "CONFIDENTIAL_MARKING",
        r"\bTLP ?[:-] ?(?:RED|AMBER)",
        r"(?<!\w)TLP ?[:-] ?(?:RED|AMBER(?:\+STRICT)?)(?!\w)",
        _labelled,
        needs=("tlp",),
        leads=True,
        back=24,
    ),
    rule(
        "marking-of-a-paragraph",
        "CONFIDENTIAL_MARKING",
        r"\((?:U|C|S|TS)//[A-Z]{2}",
        r"\((?:U|C|S|TS)//[A-Z][A-Z/ -]{1,30}\)",
        needs=("//",),
        caseless=False,
        back=8,
        ahead=34,
    ),
)
