"""Identifiers of letters and digits: national numbers, accounts, devices, addresses on networks."""

import re
from collections.abc import Callable
from typing import Final

from stdnum.cn import ric
from stdnum.fr import nir
from stdnum.it import codicefiscale

from routers.sensitivity import checks, specimens
from routers.sensitivity.near import Near
from routers.sensitivity.numbers import words
from routers.sensitivity.rule import Check, Rule, rule
from routers.sensitivity.trigger import DENSE, LONG, MANY, MIXED


def _compact(text: str) -> str:
    return re.sub(r"[ .\-]", "", text).upper()


def _valid(check: Callable[[str], bool]) -> Check:
    return lambda match, _: check(_compact(match["value"] if "value" in match.re.groupindex else match[0]))


def _named(names: re.Pattern[str], check: Callable[[str], bool] = bool) -> Check:
    """A word of its own must stand near, and the check hold."""
    return lambda match, near: check(_compact(match[0])) and near.named(names)


def _iban(match: re.Match[str], near: Near) -> bool:
    """The longest of the matched groups that is a whole number: what follows may belong to the sentence."""
    text = match[0]
    while len(text) >= 15:
        compact = _compact(text)
        if 15 <= len(compact) <= 34 and compact[:2] in IBAN_SIZES and len(compact) == IBAN_SIZES[compact[:2]]:
            return checks.iban(compact) and not specimens.number(compact, near)
        text = text[:-1].rstrip(" -.")
    return False


_SIZES: Final = (  # SWIFT IBAN registry: length by country
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 "
    "DE22 DJ27 DK18 DO28 EE20 EG29 ES24 "
    "FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 "
    "IS26 IT27 JO30 KW30 KZ20 LB28 LC32 "
    "LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 "
    "OM23 PK24 PL28 PS29 PT25 QA29 RO24 "
    "RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
IBAN_SIZES: Final = {entry[:2]: int(entry[2:]) for entry in _SIZES.split()}

# A trigger begins as near its digits as it may: one that begins with any word's letters is at work in every word.
RULES: Final[tuple[Rule, ...]] = (
    rule(
        "iban",
        "IBAN_CODE",
        r"\b[A-Z]{2}[0-9]{2}[ -]?[A-Z0-9]{4}[ -]?[A-Z0-9]{4}",
        r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}",
        _iban,
        back=48,
        among=MIXED,
    ),
    rule(
        "iban-polish",
        "IBAN_CODE",
        r"[0-9]{2} ?[0-9]{4} ?[0-9]{4} ?[0-9]{4} ?[0-9]{4} ?[0-9]{4} ?[0-9]{4}",
        r"(?<![A-Za-z0-9-])[0-9]{2}(?: ?[0-9]{4}){6}(?![A-Za-z0-9])",
        lambda match, near: _polish(match, near),
        back=40,
        ahead=2,
        among=MANY,
    ),
    rule(
        "passport-zone",
        "PASSPORT",
        r"(?:[PIACV][A-Z<][A-Z]{3}[A-Z]{1,30}<<[A-Z]|[A-Z0-9<]{9}[0-9][A-Z<]{3}[0-9]{7}[MFX<][0-9]{7})",
        r"(?<![A-Za-z0-9<])(?:[PIACV][A-Z<][A-Z]{3}[A-Z]{1,30}<<[A-Z<]{8,40}|"
        r"[A-Z0-9<]{9}[0-9][A-Z<]{3}[0-9]{7}[MFX<][0-9]{7}[A-Z0-9<]{2,16})",
        needs=("<<",),
        caseless=False,
        back=50,
        ahead=44,
    ),
    rule(
        "uk-nino",
        "UK_NINO",
        r"[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b",
        r"(?<![A-Za-z0-9])[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D](?![A-Za-z0-9])",
        among=MANY,
    ),
    rule(
        "es-nif",
        "ES_NIF",
        r"\b[XYZ0-9][0-9]{7}-?[A-Z]\b",
        r"(?<![A-Za-z0-9])[XYZ0-9][0-9]{7}-?[A-Z](?![A-Za-z0-9])",
        _valid(lambda text: checks.es_nif(text)),
        among=MIXED,
    ),
    rule(
        "it-fiscal-code",
        "IT_FISCAL_CODE",
        r"\b[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z]",
        r"(?<![A-Za-z0-9])[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z](?![A-Za-z0-9])",
        _valid(codicefiscale.is_valid),
        among=MIXED,
    ),
    rule(
        "fi-hetu",
        "FI_HETU",
        r"[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y]\b",
        r"(?<![A-Za-z0-9])[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y](?![A-Za-z0-9])",
        lambda match, _: checks.fi_hetu(match[0].upper()),
        among=MANY,
    ),
    rule(
        "in-pan",
        "IN_PAN",
        r"[A-Z][0-9]{4}[A-Z]\b",
        r"(?<![A-Za-z0-9])[A-Z]{3}[ABCFGHJKLPT][A-Z][0-9]{4}[A-Z](?![A-Za-z0-9])",
        among=MIXED,
    ),
    rule(
        "in-pan-named",
        "IN_PAN",
        r"[A-Z][0-9]{4}[A-Z]\b",
        r"(?<![A-Za-z0-9])[A-Z]{5}[0-9]{4}[A-Z](?![A-Za-z0-9])",
        _named(words("pan|permanent account|income tax|tax|indian")),
        among=MIXED,
    ),
    rule(
        "sg-nric",
        "SG_NRIC",
        r"\b[STFGM][0-9]{7}[A-Z]\b",
        r"(?<![A-Za-z0-9])[STFGM][0-9]{7}[A-Z](?![A-Za-z0-9])",
        lambda match, _: checks.sg_nric(match[0].upper()),
        among=MIXED,
    ),
    rule(
        "mx-curp",
        "MX_CURP",
        r"[A-Z][0-9]{6}[HMX][A-Z]{5}",
        r"(?<![A-Za-z0-9])[A-Z]{4}[0-9]{6}[HMX][A-Z]{5}[0-9A-Z][0-9](?![A-Za-z0-9])",
        among=MIXED,
    ),
    rule(
        "cn-resident-id",
        "CN_RESIDENT_ID",
        r"[0-9]{17}X\b",
        r"(?<![A-Za-z0-9])[0-9]{17}[Xx](?![A-Za-z0-9])",
        _valid(ric.is_valid),
        among=MANY,
    ),
    rule(
        "fr-nir-corsica",
        "FR_NIR",
        r"[12] ?[0-9]{2} ?[0-9]{2} ?2[AB]",
        r"(?<![A-Za-z0-9])[12] ?[0-9]{2} ?[0-9]{2} ?2[AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}(?![A-Za-z0-9])",
        _valid(nir.is_valid),
        among=MANY,
    ),
    rule(
        "us-dea",
        "US_DEA",
        r"\b[A-Z][A-Z9][0-9]{7}\b",
        r"(?<![A-Za-z0-9])[ABCDEFGHJKLMPRSTUX][A-Z9][0-9]{7}(?![A-Za-z0-9])",
        lambda match, near: (
            checks.us_dea(match[0]) and near.named(words("dea|drug enforcement|prescri\\w+|controlled"))
        ),
        among=MIXED,
    ),
    rule(
        "us-mbi",
        "HEALTH_PLAN_ID",
        r"\b[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]-?[AC-HJKMNP-RT-Y]{2}[0-9]{2}\b",
        r"(?<![A-Za-z0-9])[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]-?[AC-HJKMNP-RT-Y]{2}[0-9]{2}(?![A-Za-z0-9])",
        among=MIXED,
    ),
    rule(
        "vin",
        "VIN",
        r"[0-9X][A-HJ-NPR-Z0-9]{4}[0-9]{4}\b",
        r"(?<![A-Za-z0-9])[A-HJ-NPR-Z0-9]{8}[0-9X][A-HJ-NPR-Z0-9]{4}[0-9]{4}(?![A-Za-z0-9])",
        lambda match, _: _mixed(match[0]) and checks.vin(match[0].upper()),
        among=DENSE,
    ),
    rule(
        "ethereum",
        "CRYPTO",
        r"\b0x[0-9a-f]{40}\b",
        r"(?<![A-Za-z0-9])0x[0-9a-fA-F]{40}(?![A-Za-z0-9])",
        among=LONG,
    ),
    rule(
        "bitcoin",
        "CRYPTO",
        r"\b[13][a-km-zA-HJ-NP-Z1-9]{25,34}\b",
        r"(?<![A-Za-z0-9])[13][a-km-zA-HJ-NP-Z1-9]{25,34}(?![A-Za-z0-9])",
        lambda match, _: checks.base58check(match[0]),
        caseless=False,
        among=LONG,
    ),
    rule(
        "bitcoin-segwit",
        "CRYPTO",
        r"\bbc1[a-z0-9]{25}",
        r"(?<![A-Za-z0-9])bc1[02-9ac-hj-np-z]{25,87}(?![A-Za-z0-9])",
        needs=("bc1",),
        leads=True,
    ),
    rule(
        "mac-address",
        "MAC_ADDRESS",
        r"[:-][0-9a-f]{2}[:-][0-9a-f]{2}[:-][0-9a-f]{2}[:-][0-9a-f]{2}[:-][0-9a-f]{2}\b",
        r"(?<![A-Za-z0-9:-])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![A-Za-z0-9:-])|"
        r"(?<![A-Za-z0-9:-])(?:[0-9a-f]{2}-){5}[0-9a-f]{2}(?![A-Za-z0-9:-])",
        among=DENSE,
    ),
    rule(
        "ipv4",
        "IP_ADDRESS",
        r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\b",
        r"(?<![0-9.])(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})(?![0-9]|"
        r"\.[0-9])",
        needs=(".",),
        among=DENSE,
    ),
    rule(
        "ipv6",
        "IP_ADDRESS",
        r":[0-9a-f]{1,4}:[0-9a-f:]{3}",
        r"(?<![A-Za-z0-9:])(?:[0-9a-f]{1,4}:){2,7}:?(?:[0-9a-f]{1,4}:){0,5}[0-9a-f]{1,4}(?![A-Za-z0-9:])",
        lambda match, _: "::" in match[0] or match[0].count(":") == 7,
        needs=(":",),
        among=DENSE,
    ),
)


def _polish(match: re.Match[str], _: Near) -> bool:
    """A Polish account: an IBAN that is written without its country at home."""
    return checks.iban("PL" + _compact(match[0])) and not checks.repeated(_compact(match[0]))


def _mixed(text: str) -> bool:
    """Letters and digits both, and neither few."""
    digits = sum(map(str.isdigit, text))
    return 4 <= digits <= len(text) - 2
