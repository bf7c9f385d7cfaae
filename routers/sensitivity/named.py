"""Numbers and codes known only by what they are called: passports, licences, records, accounts, security codes."""

import re
from typing import Final

from routers.sensitivity.near import Near
from routers.sensitivity.numbers import words
from routers.sensitivity.rule import Rule, rule, stems
from routers.sensitivity.trigger import MANY, MIXED, NUMBERED

_NAMES: Final = {  # what is known only by what it is called, in the languages of those who issue it
    "PASSPORT": r"passport|travel document|reisepass|reisedokument|passeport|pasaporte|passaporto|paspoort|"
    r"paszport|pass-?(?:nr|nummer)|pass ?nummer|travel doc|护照|パスポート|여권",
    "US_DRIVER_LICENSE": r"driv\w+'?s? ?licen[cs]e|\bcdl ?(?:no|number|#)|prawa jazdy|driving ?licen[cs]e|"
    r"driver_licen[cs]e|"
    r"\bdl ?(?:no|num|number|"
    r"nr|#)|\bdln\b|licen[cs]e (?:no|number|#)|"
    r"f(?:ü|ue)hrerschein|permis de conduire|patente di guida|rijbewijs|carn(?:é|e)t? de conducir|prawo jazdy|"
    r"k(?:ö|o)rkort",
    "MEDICAL_RECORD_NUMBER": r"\bmrn\b|medical record|patient[ _-]?(?:id|no|number|nr)|chart (?:no|number|#|id)|"
    r"hospital (?:id|no|number)|patienten?(?:nummer|-id)|"
    r"num(?:é|e)ro de dossier|dossier (?:patient|m(?:é|e)dical)|\bipp\b|hosp\.? (?:no|number)|fallnummer|nr pacjenta|"
    r"prontu(?:á|a)rio|processo cl(?:í|i)nico|historia cl(?:í|i)nica|cartella clinica|health record|encounter (?:id|"
    r"no|number)",
    "HEALTH_PLAN_ID": r"member[ _-]?(?:id|no|number)|subscriber[ _-]?(?:id|no|number)|insurance (?:id|policy|member)|"
    r"health insurance|medical insurance|policy ?holder (?:id|no|number)|health plan (?:id|no|number)|"
    r"beneficiary (?:id|no|number)|group (?:no|number|id)|medicaid (?:id|no|number)|versicherten(?:nummer|nr)|"
    r"krankenversicher(?:ungsnummer|tennummer|tennr)|versichertennr|num(?:é|e)ro d.{1,3}assur(?:é|e)|zorgpolis|"
    r"polisnummer|"
    r"carte vitale|tessera sanitaria|tarjeta sanitaria|\behic\b",
    "NATIONAL_ID": r"national (?:id|identity|identification|X)|identity (?:card|number|no)|id card|"
    r"id ?(?:number|no\.|nr)|personal (?:id|number|code)|"
    r"tax(?:payer)? ?(?:id|identification|number|no|file number)|fiscal (?:code|"
    r"number)|citizen(?:ship)? (?:id|number|no)|"
    r"ausweis-?nr|dow(?:ó|o)d\w{0,2} osobist|seria i numer|carte d.{1,3}identit(?:é|e)|\bcni\b|"
    r"ausweisnummer|personalausweis|steuernummer|sozialversicherungsnummer|\bahv\b|\bein\b ?(?:no|number|:|#|is)|"
    r"\bcnp\b|rodné číslo|\boib\b|\bemšo\b|"
    r"documento (?:de identidad|nacional)|cédula|cedula|carta d'identità|numéro fiscal|identiteitskaart|身分証|"
    r"身份证|주민등록",
    "BANK_ACCOUNT": r"account ?(?:no|num|number|nr|#)|acct ?(?:no|num|number|#)|bank account|checking account|"
    r"savings account|beneficiary account|op rekening|naar rekening|rekeningnr|nr rachunku|numer rachunku|rachunek|"
    r"nib\b|"
    r"konto(?:nummer|nr)|konto-?nr|kto\.?-?nr|num(?:é|e)ro de compte|compte (?:n°|nº|no|bancaire|"
    r"courant)|"
    r"numero (?:di|del) conto|cuenta (?:bancaria|corriente|de ahorro)|n(?:ú|u)mero da conta|institution [0-9]{3} "
    r"account|"
    r"n(?:ú|u)mero de cuenta|rekeningnummer|conto corrente|conta (?:corrente|banc(?:á|a)ria)|bankgiro|clabe|"
    r"sort code|\bbsb\b",
}
_NAMED_VALUE: Final = (
    r"(?P<value>(?<![A-Za-z0-9])(?-i:[A-Z]{0,4}[0-9][A-Z0-9]*(?:[-. ][A-Z0-9]*[0-9][A-Z0-9]*){0,5}"
    r"|[A-Z]{2,4}[A-Z0-9]{0,3}[0-9][A-Z0-9]*|[A-Z]{2,3} [0-9]{5,7})(?![A-Za-z0-9]))"
)
_CLAUSE: Final = re.compile(r"(?<!no)(?<!nr)(?<!num)(?<!núm)(?<! n)(?<!nro)[.!]\s|\n\n", re.IGNORECASE)


def _identifying(match: re.Match[str], near: Near) -> bool:
    """Six characters or more, three digits or more, no date, and in the same breath as its name."""
    value = match["value"]
    compact = re.sub(r"[-. ]", "", value)
    if not 5 <= len(compact) <= 20 or sum(map(str.isdigit, compact)) < 3 or _CLAUSE.search(match[0]):
        return False
    return (
        re.fullmatch(
            r"[0-9]{4}[-.][0-9]{2}[-.][0-9]{2}|[0-9]{1,2}[-.][0-9]{1,2}[-.][0-9]{4}|(?:19|20)[0-9]{2}", value
        )
        is None
        and len(near.text) > 0
    )


def _named_values() -> tuple[Rule, ...]:
    return tuple(
        rule(
            f"named-{type_.lower().replace('_', '-')}",
            type_,
            rf"(?:{names.replace(chr(92) + 'w+', '[a-z]{1,4}')})[^0-9]{{0,48}}[0-9]",
            rf"(?:{names})\w*[^0-9]{{0,44}}?{_NAMED_VALUE}",
            _identifying,
            needs=stems(names),
            leads=True,
            among=NUMBERED,
            back=110,
            ahead=40,
        )
        for type_, names in _NAMES.items()
    )


def _security_code(match: re.Match[str], near: Near) -> bool:
    """`cid` and "security code" say little alone: a card must be spoken of, or a date of expiry."""
    said = match[0].lower()
    plain = (
        said.startswith(("cvv", "cvc", "cryptogramme", "kartenpr")) or _ON_THE_BACK.search(said) is not None
    )
    return plain or near.named(_ON_A_CARD)


_ON_THE_BACK: Final = re.compile(
    r"(?:digits|numbers|ziffern|chiffres|n[úu]meros|d[íi]gitos|cifre|cijfers) |kartenrück"
)
_ON_A_CARD: Final = words(r"card\w*|visa|mastercard|amex|exp\w*|valid|karte\w*|carte|tarjeta")

_BANKS: Final = words(
    r"sort|bank\w*|account|acct|pay\w*|send|sent|transfer\w*|wire|monzo|starling|barclays|hsbc|natwest|lloyds|revolut|"
    r"santander|halifax|nationwide|refund\w*|deposit\w*|rent"
)
_PLANS: Final = words(
    r"plan|ppo|hmo|epo|grp|group|members?|insur\w+|subscribers?|blue ?(?:cross|shield)|copay|medicare|medicaid|"
    r"payer|rx\w*|"
    r"aetna|cigna|humana|kaiser|anthem"
)

RULES: Final[tuple[Rule, ...]] = (
    *_named_values(),
    rule(
        "card-security-code",
        "CREDIT_CARD_CVV",
        r"\b(?:cvv|cvc|csc|cvn|cid|security code|digits (?:on|from|at)|numbers (?:on|from|at)|ziffern (?:auf|hinten)|"
        r"chiffres (?:au dos|derri)|(?:n(?:ú|u)meros|d(?:í|i)gitos) (?:de atr|del reverso|detr|do verso)|"
        r"cifre (?:sul retro|dietro)|"
        r"cijfers (?:achterop|op de achter)|verification (?:value|code|number)|pr(?:ü|ue)fziffer|cryptogramme|"
        r"c(?:ó|o)digo de seguridad)",
        r"\b(?:cvv2?|cvc2?|csc|cvn|cid|(?:card )?security code(?: (?:on|at) the (?:back|reverse)(?: of (?:the|"
        r"my) card)?)?|(?:card )?verification (?:value|code|number)|"
        r"(?:karten)?pr(?:ü|ue)fziffer|cryptogramme(?: visuel)?|"
        r"(?:three |3 |four |4 |last )?(?:digits|numbers) (?:on|from|at) the (?:back|reverse|rear|signature)|"
        r"(?:drei |3 )?ziffern (?:auf der rück|hinten)|(?:trois |3 )?chiffres (?:au dos|derrière)|"
        r"(?:tres |três |3 )?(?:n[úu]meros|d[íi]gitos) (?:de atrás|del reverso|detrás|do verso)|"
        r"(?:tre |3 )?cifre (?:sul retro|dietro)|(?:drie |3 )?cijfers (?:achterop|op de achter)|"
        r"c[oó]digo de seguridad)\w*[^0-9\n]{0,32}(?<![A-Za-z0-9.,-])(?P<value>[0-9]{3,4})(?![0-9A-Za-z]|[.,-][0-9])",
        _security_code,
        needs=(
            "cvv",
            "cvc",
            "csc",
            "cvn",
            "cid",
            "security code",
            "verification",
            "digits ",
            "numbers ",
            "ziffern ",
            "chiffres ",
            "números ",
            "numeros ",
            "dígitos ",
            "digitos ",
            "cifre ",
            "cijfers ",
            "prüfziffer",
            "pruefziffer",
            "cryptogramme",
            "código",
            "codigo",
        ),
        leads=True,
        starts=True,
        back=72,
    ),
    rule(
        "sort-code-and-account",
        "BANK_ACCOUNT",
        r"[0-9]{2}-[0-9]{2}-[0-9]{2}[^0-9\n]{1,24}[0-9]{8}\b",
        r"(?<![0-9A-Za-z-])[0-9]{2}-[0-9]{2}-[0-9]{2}[^0-9\n]{1,24}(?P<value>[0-9]{8})(?![0-9A-Za-z])",
        lambda _, near: near.named(_BANKS),
        back=48,
        ahead=2,
        among=MANY,
    ),
    rule(
        "cheque",
        "BANK_ACCOUNT",
        "\u2446[0-9 ]{9,11}\u2446",
        "\u2446[0-9 ]{9,11}\u2446 ?(?P<value>[0-9 -]{4,20})",
        needs=("\u2446",),
        leads=True,
        back=16,
        ahead=24,
    ),
    rule(
        "health-plan-member",
        "HEALTH_PLAN_ID",
        r"\b[A-Z]{3}[0-9]{9}\b",
        r"(?<![A-Za-z0-9])[A-Z]{3}[0-9]{9}(?![A-Za-z0-9])",
        lambda _, near: near.named(_PLANS),
        caseless=False,
        back=16,
        ahead=2,
        among=MIXED,
    ),
)
