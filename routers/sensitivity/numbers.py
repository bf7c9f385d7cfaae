"""Numbers that name a person, an account or a device: one candidate, judged by all that could claim it.

A run of digits is cut into its groups (`020 7946 0604` has three). Stretches of groups are offered, longest first,
to the claims for that many digits. A claim has a check (digits of the issuer's form) and says when the check alone
is enough; otherwise a word of its own must stand near. Words such as "order" or "part" right before it speak against.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from stdnum.au import tfn
from stdnum.cn import ric
from stdnum.de import idnr
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.in_ import aadhaar
from stdnum.nl import bsn

from routers.sensitivity import checks, public, specimens
from routers.sensitivity.near import AFTER, BEFORE, HEAD, Near
from routers.sensitivity.trigger import MANY, Trigger

TRIGGER: Final = Trigger(r"[0-9](?:[ .\-/()]{0,3}[0-9]){6}", among=MANY)

_RUN: Final = re.compile(r"(?:\+|\(\+?)?[0-9]+(?:[ .\-/()]{1,3}[0-9]+)*", re.ASCII)
_GROUP: Final = re.compile(r"[0-9]+")
_MOST_GROUPS: Final = 10

Found = tuple[int, int, str]


_SPACE: Final = re.compile(r"\[[^\]]*\]| (\??)")  # a class of characters stays as it is


def words(text: str) -> re.Pattern[str]:
    """Words, any of which may stand near, as one pattern; `|` between them. What stands apart in prose is joined in the
    names of fields: `tax id` is `tax_id` and `tax-id` too."""
    joined = _SPACE.sub(lambda match: f"[ _-]{match[1]}" if match[1] is not None else match[0], text)
    return re.compile(rf"{_NO_LETTER_BEFORE}(?:{joined}){_NO_LETTER_BEHIND}")


_NO_LETTER_BEFORE: Final = "(?<![a-z])"
_NO_LETTER_BEHIND: Final = "(?![a-z])"


@dataclass(frozen=True, slots=True)
class Number:
    """A candidate: its digits, the sizes of its groups, what joins them, and its surroundings."""

    digits: str
    shape: tuple[int, ...]
    joins: str
    plus: bool
    alone: bool  # no further group of the same run touches it
    whole: bool  # the same, and it may count without being called by its name
    called: bool  # whether a word that claims numbers may stand near
    near: Near

    @property
    def grouped(self) -> bool:
        """Whether one kind of separator, and one only, cuts it into groups."""
        return len(self.shape) > 1 and len(set(self.joins)) == 1


@dataclass(frozen=True, slots=True)
class Claim:
    """What a type asks of a number. `bare` says when it needs no word near."""

    type: str
    check: Callable[[str], bool]
    names: re.Pattern[str]
    bare: Callable[[Number], bool]


def _always(_: object) -> bool:
    return True


def _never(_: object) -> bool:
    return False


def _shaped(*shapes: tuple[int, ...], joins: str = " -.") -> Callable[[Number], bool]:
    return lambda n: n.shape in shapes and n.grouped and n.joins[0] in joins


def _any_of(digits: str) -> bool:
    return not checks.repeated(digits) and digits not in "01234567890123456789"


_CARD: Final = words(
    r"cards?(?: ?(?:no|number|nr|#))?|credit ?card|debit|visa|master ?card|amex|american express|discover|diners|jcb|"
    r"kredit\w*|karte\w*|kartennummer|carte|cb|tarjeta|cart[aã]o|carta|kaart|karta|kort\w*|kortti|pan|cc|ccn|"
    r"card ?number|creditcard|cardnumber|cc_?num\w*"
)
_SSN: Final = words(
    r"ssn|ss ?#|ss ?no|social ?security(?: ?(?:no|num|number))?|"
    r"(?:my|his|her) social|social's|social ?(?:#|:|no)|soc sec|sozialversicherung\w*"
)
_PHONE: Final = words(
    r"(?:tele|smart)?phones?(?:[_ ]?(?:no|nr|num|number))?|telephone\w*|tel|telefon\w*|t[eé]l[eé]phone|"
    r"tel[eé]fono\w*|mobile?|"
    r"mob|cell(?:phone| phone|ular)?|handy(?:nummer)?|m[oó]vil|celular|telem[oó]vel|fax|whatsapp|sms|hotline|voicemail|"
    r"pager|portable|puhelin\w*|telefoon\w*|gsm|direct line|switchboard|desk|msisdn|cellulare|"
    r"cel|zap|num|numer|kom[oó]r\w*|телефон\w*|电话|手机|電話|携帯|"
    r"전화\w*|फ़ोन|मोबाइल"
)
_CALLS: Final = (
    r"call|calls|called|calling|dial|ring|text|reach|contact|messages?|registered|rappel\w*|appel\w*|anruf\w*|"
    r"rufen|ruf|erreich\w*|contact\w*|contatt\w*|kontakt\w*|joindre|joign\w*|dzwoni\w*|get (?:me|him|her|us|"
    r"hold of \w+) on|"
    r"ll[aá]m\w*|ligue|ligar|chiam\w*|bel|zadzwo\w*|number is|nummer|num[eé]ro"
)
_CALLING: Final = re.compile(
    rf"(?<![a-z])(?:{_CALLS})(?![a-z_(])"
    r"(?:[^.\n0-9]{0,28}(?:\b(?:at|on|to|under|unter|au|al|ao|no|na|op|is|number|via|registered|tel)\b|:))?\W{0,4}$"
)
_CLAIMS: Final[tuple[tuple[tuple[int, ...], Claim], ...]] = (
    ((18,), Claim("CN_RESIDENT_ID", ric.is_valid, words("resident|citizen|id"), _always)),
    (
        (15,),
        Claim("FR_NIR", nir.is_valid, words("nir|insee|s[eé]cu\\w*|s[eé]curit[eé] sociale"), _always),
    ),
    (tuple(range(12, 20)), Claim("CREDIT_CARD", checks.luhn, _CARD, _never)),
    (tuple(range(12, 20)), Claim("CREDIT_CARD", checks.card, _CARD, lambda n: len(n.digits) >= 13)),
    (
        (15,),
        Claim(
            "IMEI", checks.luhn, words("imei\\w*|\\*#06#|device|handset|phone|ger[aä]t\\w*|appareil"), _never
        ),
    ),
    ((13,), Claim("ZA_ID", checks.za_id, words("sa id|south african?|rsa|identity|id"), _always)),
    (
        (13,),
        Claim("KR_RRN", checks.kr_rrn, words("rrn|resident|registration"), _shaped((6, 7), joins="-")),
    ),
    ((12,), Claim("SE_PERSONNUMMER", checks.se_personnummer, words("person\\w*|swedish"), _always)),
    (
        (12,),
        Claim(
            "IN_AADHAAR",
            aadhaar.is_valid,
            words("aadha+r\\w*|uid|uidai|आधार\\w*"),
            _shaped((4, 4, 4)),
        ),
    ),
    (
        (12,),
        Claim(
            "JP_MY_NUMBER",
            checks.jp_my_number,
            words("my ?number|マイナンバー|個人番号|individual number|\\S*マイナ\\S*"),
            _never,
        ),
    ),
    ((11,), Claim("BR_CPF", checks.br_cpf, words("cpf|cadastro"), _always)),
    ((11,), Claim("PL_PESEL", checks.pl_pesel, words("pesel"), _always)),
    (
        (11,),
        Claim(
            "DE_TAX_ID",
            idnr.is_valid,
            words("steuer\\w*|idnr|tin|german tax|tax id\\w*|identifikationsnummer"),
            _shaped((2, 3, 3, 3)),
        ),
    ),
    (
        (10,),
        Claim(
            "SE_PERSONNUMMER",
            checks.se_personnummer,
            words("person\\w*|swedish|samordning\\w*"),
            _shaped((6, 4), joins="-"),
        ),
    ),
    ((10,), Claim("UK_NHS", nhs.is_valid, words("nhs|health service"), _never)),
    ((10,), Claim("US_NPI", checks.us_npi, words("npi|provider|prescriber"), _never)),
    ((10,), Claim("AU_MEDICARE", checks.au_medicare, words("medicare"), _shaped((4, 5, 1)))),
    ((9,), Claim("US_SSN", checks.us_ssn, _SSN, _shaped((3, 2, 4)))),
    ((9,), Claim("US_ITIN", checks.us_itin, words("itin|taxpayer|tax id"), _shaped((3, 2, 4)))),
    (
        (9,),
        Claim("US_BANK_ROUTING", checks.us_routing, words("routing|aba|rtn|transit|bank|wire|ach"), _never),
    ),
    ((9,), Claim("CA_SIN", checks.luhn, words("sin|social insurance|nas"), _shaped((3, 3, 3)))),
    ((9,), Claim("AU_TFN", tfn.is_valid, words("tfn|tax file"), _never)),
    ((9,), Claim("NL_BSN", bsn.is_valid, words("bsn|burger\\w*|sofi\\w*|dutch"), _never)),
    (
        tuple(range(6, 18)),
        Claim(
            "BANK_ACCOUNT",
            _any_of,
            words(
                r"(?:bank|checking|savings|deposit|current)(?: account)?\s?(?:no|num|number|nr|#)?|account (?:no|"
                r"num|number|nr|#)|"
                r"acct(?: ?(?:no|num|number|nr|#))?|a/c|konto(?:nummer|nr)?|num[eé]ro de compte|n[uú]mero de cuenta|"
                r"cuenta|rekeningnummer|conto corrente|conta corrente|kontonumero|tilinumero|account"
            ),
            _never,
        ),
    ),
    (
        (9,),
        Claim(
            "PASSPORT",
            _any_of,
            words(
                r"passport\w*|travel document|reisepass\w*|passeport|pasaporte|passaporto|paspoort|pas[sz]port\w*"
            ),
            _never,
        ),
    ),
    (
        tuple(range(7, 15)),
        Claim(
            "US_DRIVER_LICENSE",
            _any_of,
            words(
                r"driv\w+'?s? licen[cs]e\w*|dl ?#?|licen[cs]e (?:no|number|#)|f[uü]hrerschein\w*|permis|"
                r"driving licen[cs]e"
            ),
            _never,
        ),
    ),
    (
        tuple(range(5, 13)),
        Claim(
            "MEDICAL_RECORD_NUMBER",
            _any_of,
            words(
                r"mrn|medical record\w*|patient (?:id|no|number)|patient_id|chart (?:no|number|#)|hospital (?:id|"
                r"no|number)|patienten?(?:nummer|-id)"
            ),
            _never,
        ),
    ),
)
_BY_SIZE: Final[dict[int, tuple[Claim, ...]]] = {
    size: tuple(claim for sizes, claim in _CLAIMS if size in sizes) for size in range(5, 20)
}
_OF_A_THING: Final = re.compile(  # what a number right behind these words counts or names is no person's
    r"(?:orders?|tracking|invoices?|tickets?|part|serial|sku|isbn\w*|issn|ean|upc|model|case|batch|lot|version|build|"
    r"commit|ref|reference|transaction|parcel|shipment|items?|product|doi|pmid|port|timestamp|epoch|seed|"
    r"awb|waybill|container|cas|gtin|asin|imo|article|artikel(?:nummer)?|art\.?-nr|vorgang|auftrag(?:snummer)?|"
    r"lieferschein|"
    r"colis|folio|docket|"
    r"page|section|chapter|sample|rfc|bestellung|bestellnummer|commande|pedido|rechnung|facture|factura|"
    r"divide|multiply|add|subtract|times|plus|minus|sum|range|cursor|job|run|build|pid|offset|checksum)"
    r"[\"'`*_]{0,3}[ _:#=\-]{0,3}(?:ids?|no|nr|nos|numbers?|code|key|hash|is|of|number is|"
    r"from)?[\"'`*_]{0,3}[^a-z0-9\n]{0,5}$"
)


def _hint(names: str) -> Trigger:
    """The words of a claim as a trigger; as bytes, so that classes with other than ASCII letters become groups and
    such letters are named in both cases, and with what ends a word, since each end of a match would be a hit ("id" is
    in many a word)."""
    grouped = re.sub(r"\[([^\]]*[^\x00-\x7f][^\]]*)\]", lambda m: f"(?:{'|'.join(m[1])})", names)
    in_both = re.sub(
        r"[^\x00-\x7f]", lambda m: m[0] if m[0].upper() == m[0] else f"(?:{m[0]}|{m[0].upper()})", grouped
    )
    return Trigger(f"{in_both}(?:[^a-z]|$)", hint=True)


HINTS: Final = tuple(
    _hint(names.pattern.removeprefix(_NO_LETTER_BEFORE).removesuffix(_NO_LETTER_BEHIND))
    for names in dict.fromkeys([*(claim.names for _, claim in _CLAIMS), _PHONE, words(_CALLS)])
)


def hinted(hints: Sequence[int], start: int, end: int) -> bool:
    """Whether a word that claims numbers stands near enough to be found; `hints` are ends of such words, ascending."""
    first = bisect_left(hints, start - HEAD - BEFORE)
    return first < len(hints) and hints[first] <= end + 2 * AFTER


def find(
    text: str, lowest: int, end: int, bare: bool = True, hints: Sequence[int] | None = None
) -> tuple[int, list[Found]]:
    """The run of digits that holds `end`, from `lowest` on: where it ends, and what is in it. Without `bare`, only
    what is also called by its name; `hints` say where such words are, where that is known."""
    match = None
    for match in _RUN.finditer(text, max(lowest, end - 40), min(len(text), end + 60)):
        if match.end() >= end:
            break
    if match is None or match.end() < end:
        return end, []
    groups = [(g.start(), g.end()) for g in _GROUP.finditer(text, match.start(), match.end())]
    if len(groups) > _MOST_GROUPS:
        groups = groups[:_MOST_GROUPS]
    return groups[-1][1], list(_claimed(text, groups, bare, hints))


def _claimed(
    text: str, groups: list[tuple[int, int]], bare: bool, hints: Sequence[int] | None
) -> Iterator[Found]:
    """What claims stretches of these groups, longest first, each group claimed once."""
    near = Near(text, groups[0][0], groups[-1][1])
    called = hints is None or hinted(hints, near.start, near.end)
    first = 0
    while first < len(groups):
        for last in range(len(groups), first, -1):
            type_ = _judge(near, groups[first:last], len(groups) == last - first, bare, called)
            if type_ is not None:
                yield groups[first][0], groups[last - 1][1], type_
                first = last - 1
                break
        first += 1


def _judge(near: Near, groups: list[tuple[int, int]], alone: bool, bare: bool, called: bool) -> str | None:
    """The type that claims exactly these groups, or None."""
    text, start, end = near.text, groups[0][0], groups[-1][1]
    digits = "".join(text[a:b] for a, b in groups)
    if not 5 <= len(digits) <= 19 or _glued(text, start, end):
        return None
    shape = tuple(b - a for a, b in groups)
    joins = "".join(text[groups[i][1] : groups[i + 1][0]] for i in range(len(groups) - 1))
    plus = start > 0 and "+" in text[max(0, start - 2) : start]
    return _claim(Number(digits, shape, joins, plus, alone, bare and alone, called, near))


def _glued(text: str, start: int, end: int) -> bool:
    """Whether letters or more digits touch it: then it is a piece of something else."""
    before = text[start - 1] if start else " "
    behind = text[end] if end < len(text) else " "
    if (before.isascii() and (before.isalnum() or before == "_")) or (
        behind.isascii() and (behind.isalnum() or behind == "_")
    ):
        return True
    if before in ".-/" and start > 1 and text[start - 2].isalnum():
        return text[max(0, start - 4) : start - 1].lower() != "tel"
    return behind == "." and text[end + 1 : end + 2].isdigit()


def _claim(number: Number) -> str | None:
    """The type that claims the number; None: nobody does, or it is a specimen from a manual."""
    claimed = _claimed_as(number)
    if claimed == "CREDIT_CARD" and specimens.number(number.digits, number.near):
        return None
    return None if claimed in ("PHONE_NUMBER", "CA_SIN") and _for_everybody(number.near) else claimed


def _claimed_as(number: Number) -> str | None:
    if number.plus and 8 <= len(number.digits) <= 15:
        return "PHONE_NUMBER"
    claims = _BY_SIZE.get(len(number.digits), ())
    for claim in claims if number.called else ():
        possible = (number.alone or claim.check is not _any_of) and claim.check(number.digits)
        if possible and number.near.named(claim.names):
            return claim.type
    bare = (claim for claim in claims if number.whole and claim.bare(number))
    claimed = next((claim.type for claim in bare if claim.check(number.digits)), None)
    if claimed is None and _phone(number):
        claimed = "PHONE_NUMBER"
    if claimed is not None and _OF_A_THING.search(number.near.before):
        return None
    return claimed


def _phone(number: Number) -> bool:
    """Whether it is written as telephone numbers are, or has their length and is called one."""
    size, shape = len(number.digits), number.shape
    if not 7 <= size <= 15 or _is_date(number) or _is_address(number) or len(set(number.digits)) < 3:
        return False
    if number.called and (number.near.named(_PHONE) or number.near.follows(_CALLING)):
        return True
    if len(shape) < 2 or not number.whole or not set(number.joins) <= set(" -.()/"):
        return False
    if shape[-3:] == (3, 3, 4) and (size == 10 or (size == 11 and number.digits[0] == "1")):
        area = number.digits[-10:]
        return area[0] in "23456789" and area[3] in "23456789"
    return (
        number.digits[0] == "0" and 9 <= size <= (15 if number.digits[1] == "0" else 12) and min(shape) >= 2
    )


def _for_everybody(near: Near) -> bool:
    """Whether it is a line that anybody may call."""
    return public.line(near.text[near.start : near.end].lstrip("(+"), f"{near.before[-60:]} {near.after}")


def _is_date(number: Number) -> bool:
    """A date (with a time behind it, perhaps), or the form of a social security number."""
    if number.shape[:3] == (4, 2, 2):
        return checks.plausible_date(number.digits[:8])
    return number.shape in ((2, 2, 4), (3, 2, 4))


def _is_address(number: Number) -> bool:
    return len(number.shape) == 4 and set(number.joins) == {"."} and max(number.shape) <= 3
