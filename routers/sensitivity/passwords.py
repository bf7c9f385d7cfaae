"""Passwords: behind the word for them, in the sentence that speaks of them, in the column of that name."""

import re
from typing import Final

from routers.sensitivity import checks
from routers.sensitivity.near import Near
from routers.sensitivity.randomness import placeholder
from routers.sensitivity.rule import Rule, by_letter, rule, stems

_CODE: Final = re.compile(
    r"[(){}\[\]]|^(?:os|self|this|process|config|env|settings|request|data|args?|params?|user|form)\.|://|->|,|;|=="
)
_ENGLISH: Final = r"security answer|secret answer|pass[ _-]?words?|pass[ _-]?phrase|passwd|pass[ _-]?code|pwd"
_FOREIGN: Final = (
    r"passwort|kennwort|mot de passe|contrase(?:ñ|n|nh)a|\bsenha|wachtwoord|\bhas(?:ł|l)o\b|l(?:ö|o|oe)senord|"
    r"adgangskode|passord|"
    r"salasana|\bmdp\b|\bww (?:van|voor|is)\b|\bpsw\b|geslo|lozinka|парол[ья]|пароль|密码|密碼|パスワード|비밀번호|"
    r"\bclave\b|"
    r"\bparola\b|\bheslo\b|jelsz(?:ó|o)|şifre|sifre|\bparole\b"
)
_BARE: Final = (  # what a password may follow with nothing between
    "pass|password|passcode|pwd|pw|passwort|kennwort|mot de passe|senha|wachtwoord|contraseña|clave|hasło|lösenord"
)
_IS: Final = (
    r"(?:\b(?:was|is|has been|got|wurde) (?:changed|set|reset|updated) to\b|:=|=>|=|:|->|\b(?:is|was|"
    r"ist|lautet|est|es|[eè]|to|er|är|on|jest|jelent)\b|是|は|:)"
)
_WORDS: Final = frozenset(
    [
        "password",
        "passwort",
        "secret",
        "pass",
        "user",
        "admin",
        "string",
        "required",
        "correct",
        "incorrect",
        "wrong",
        "invalid",
        "expired",
        "protected",
        "hashed",
        "encrypted",
        "stored",
        "changed",
        "reset",
        "forgotten",
        "missing",
        "empty",
        "optional",
        "field",
        "hash",
        "manager",
        "policy",
    ]
)


_WEAK: Final = re.compile(  # what examples are full of
    r"(?:test|demo|admin|root|user|guest|pass(?:word|wort)?|secret|welcome|qwerty|letmein|foo|bar|abc|"
    r"hunter)[0-9!]{0,4}|[a-z]{3,10}123",
    re.IGNORECASE,
)
_SHOWN: Final = re.compile(
    r"example|e\.g\.|demo|dummy|default|sample|beispiel|exemple|ejemplo|esempio|exemplo|tutorial"
)


def _chosen(match: re.Match[str], near: Near) -> bool:
    """A password somebody chose or a machine drew: letters with digits or signs; no code, word or placeholder."""
    value = match["value"].strip("\"'`").rstrip(".,;:)")
    if value[-1:] in "!?" and value[:-1].isalpha():
        value = value[:-1]
    if not 4 <= len(value) <= 80 or placeholder(value) or _CODE.search(value) or value.lower() in _WORDS:
        return False
    if _WEAK.fullmatch(value) and ("?" in near.after[:3] or _SHOWN.search(near.before[-60:] + near.after)):
        return False
    if value.startswith(("$", "{", "%(", "<", "[", "--", "&", "/", "\\")) or not any(map(str.isalnum, value)):
        return False
    return any(map(str.isdigit, value)) or any(char in "!@#$%^&*?+~_" for char in value[1:])


def _prose(match: re.Match[str], near: Near) -> bool:
    """`pass hunter2`: with nothing between, the value must have a letter, and a digit or mixed signs and cases."""
    value = match["value"].rstrip(".,;:!?)")
    if not _chosen(match, near) or not any(map(str.isalpha, value)):
        return False
    return any(map(str.isdigit, value)) or _MIXED.search(value) is not None


def _strong(match: re.Match[str], near: Near) -> bool:
    """Letters, digits and signs together: what nothing but a password is made of."""
    value = match["value"].rstrip(".,;)")
    return (
        _chosen(match, near)
        and any(map(str.isdigit, value))
        and any(map(str.isalpha, value))
        and any(char in "!@#$%^&*?+~" for char in value)
    )


_MIXED: Final = re.compile(r"[a-z][A-Z].{0,40}[!@#$%^&*?+~]|[!@#$%^&*?+~].{0,40}[a-z][A-Z]")


# What is spoken of, and the code for it.
_LOCKED: Final = (
    "access entry entrance door gate alarm safe locker lock garage unlock vault keypad keybox lockbox building elevator"
    " lift sim voicemail screen"
)
_THINGS: Final = "|".join(
    (
        "wifi|wi-fi|wlan|safe opens|combination (?:is|to|for|of)",
        *(f"{thing}[ -]?(?:code|combination|combo|pin|key|password)" for thing in _LOCKED.split()),
        "türcode|zugangscode|torcode|alarmcode|netzwerkschlüssel",
        r"code (?:du|de la|de l.{1,3}|d.{1,3}) ?(?:wi-?fi|porte|portail|alarme|coffre|immeuble|accès|entrée|digicode)",
        "digicode",
        r"código (?:del?|de la|da|do) (?:wi-?fi|puerta|portal|alarma|garaje|acceso|porta|portão|alarme|prédio)",
        r"codice (?:del|della|dell.{1,3}) ?(?:porta|cancello|allarme|cassaforte|ingresso|wi-?fi)",
        "deurcode|alarmcode|toegangscode|poortcode|kod (?:do|dostępu|alarmu)",
    )
)
_NEW_ONE: Final = (  # where passwords are given without the word
    r"temporary (?:one|login|access)|temp (?:one|login)|first log-?(?:on|in)|next log-?(?:on|in)|log-?ins?|"
    r"credentials?|creds|zugangsdaten|"
    r"anmeldedaten|identifiants?|credenciales|credenziali|inloggegevens|dane logowania|credenciais|"
    r"neue[rs]? (?:pw|zugang)|new pw|nouveau mdp"
)
_MADE: Final = (  # how passwords are made: with signs; a word and a number; words and numbers joined
    r"(?:(?=\S{0,38}[0-9])(?=\S{0,38}[A-Za-z])(?=\S{0,38}[!#$%&*+~^?]\S|\S{0,38}[0-9][!*#$])[\w!#$%&*+~^?@.-]{7,40}|"
    r"[A-ZÀ-Þ][a-zà-ÿ]{3,15}[0-9]{2,6}[!?*#]?|"
    r"(?=\S{0,38}[0-9])(?:[A-Za-z]{3,12}|[0-9]{2,6})(?:[-_](?:[A-Za-z]{3,12}|[0-9]{2,6})){2,4})"
)
_SPOKEN_OF: Final = rf"{_ENGLISH}|{_FOREIGN}|{_THINGS}|{_NEW_ONE}"
_LINKED: Final = re.compile(
    r"(?:[:=>\u2192]|(?<!\w)(?:is|'s|was|to|now|then|as|use|ist|auf|lautet|in|est|c['\u2019]est|es|è|na|jest|pra|"
    r"para|é|är|er|til|"
    r"blir|on|by|with|con|avec|mit))[\s\"'`\u201c\u00ab*]{0,3}$",
    re.IGNORECASE,
)
_OF_PASSWORDS: Final = re.compile(  # what is said of passwords in general
    r"\b(?:must|should|contain\w*|at least|minimum|characters?|example|such as|e\.g|z\. ?b|like|polic(?:y|ies)|"
    r"requirements?|"
    r"regex|mindestens|zeichen|exemple|ejemplo|esempio|hash\w*|version|port|error|fehler|film|movie|novel|story|"
    r"game|puzzle|demo|sample|default)\b",
    re.IGNORECASE,
)
_NO_PASSWORD: Final = re.compile(
    r"(?:windows|office|microsoft|outlook|python|chapter|version|january|february|march|april|june|july|august|"
    r"september|october|november|december|covid|article|section|room|page|step|figure|table|level|phase|"
    r"route)[-_ ]?[0-9]+\b|"
    r"[0-9]{1,4}-(?:jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-z]*-|[0-9-]+$|.*\.(?:com|net|org|"
    r"io|de|fr)\b",
    re.IGNORECASE,
)


def _told(match: re.Match[str], _: Near) -> bool:
    """In a sentence about a password of somebody's, and made as passwords are; without signs in it, it must also be
    what the sentence says the password is."""
    value = match["value"]
    said = match[0][: match.start("value") - match.start()]
    if placeholder(value) or _OF_PASSWORDS.search(said) or _NO_PASSWORD.match(value) or _CODE.search(value):
        return False
    signed = any(char in "!#$%&*+~^?" for char in value[:-1])
    return signed or _LINKED.search(said) is not None


def _combination(match: re.Match[str], _: Near) -> bool:
    """Digits that open something: four or more."""
    said = match[0][: match.start("value") - match.start()]
    digits = "".join(filter(str.isdigit, match["value"]))
    return 4 <= len(digits) <= 12 and not checks.repeated(digits) and _OF_PASSWORDS.search(said) is None


_COLUMN_NAMES: Final = (
    *(
        "pass",
        "password",
        "passwort",
        "passcode",
        "passphrase",
        "pw",
        "pwd",
        "passwd",
        "kennwort",
        "mot de passe",
    ),
    *("mdp", "contraseña", "senha", "wachtwoord", "hasło", "pin"),
)
_COLUMN: Final = "|".join(_COLUMN_NAMES)


def _cell(match: re.Match[str], _: Near) -> bool:
    """In the column of that name, and no placeholder."""
    head, row = match["head"], match["row"]
    mark = next(char for char in ",;|\t" if char in head)
    columns = [name.strip(" \"'").lower() for name in head.split(mark)]
    cells = row.split(mark)
    place = next(at for at, name in enumerate(columns) if re.fullmatch(_COLUMN, name))
    value = cells[place].strip(" \"'") if place < len(cells) else ""
    return (
        4 <= len(value) <= 80 and " " not in value and not placeholder(value) and value.lower() not in _WORDS
    )


RULES: Final[tuple[Rule, ...]] = (
    rule(
        "password-given",
        "PASSWORD",
        rf"(?:{_ENGLISH}|\bpass|\bpw)[a-z0-9_\-]{{0,16}}(?: (?:for|of|to|on|in|"
        rf"at) [^\n]{{1,40}})?[\"'`\]]{{0,2}}\s{{0,6}}(?:=|:|->|(?:is|was|to|è|est|ist|lautet|es|er|är|on) )"
        r"\s{0,6}[\"'`]?[^\s]{4}",
        rf"(?:{_ENGLISH}|\bpass|\bpw)[a-z0-9_\-]{{0,16}}(?: (?:for|of|to|on|in|"
        rf"at) [\w.@' -]{{1,40}}?)?[\"'`\]]{{0,2}}\s{{0,6}}{_IS}\s{{0,6}}[\"'`]?"
        r"(?P<value>[^\s\"'`]{4,80})",
        _chosen,
        needs=("pass", "pwd", "pw", "security answer", "secret answer"),
        leads=True,
        back=110,
        ahead=110,
    ),
    rule(
        "password-given-abroad",
        "PASSWORD",
        rf"(?:{_FOREIGN.replace('[ья]', '')})[^\n]{{1,40}}[0-9!@#$%^&*?+~_]",
        rf"(?:{_FOREIGN})(?: [\w.@-]{{1,24}}){{0,3}}?[\"'`\]]{{0,2}}\s{{0,6}}{_IS}\s{{0,"
        rf"6}}[\"'`]?(?P<value>[^\s\"'`]{{4,80}})",
        _chosen,
        needs=stems(_FOREIGN),
        leads=True,
        starts=True,
        back=90,
        ahead=110,
    ),
    rule(
        "pin",
        "PASSWORD",
        r"\bPIN\b[^\n0-9]{1,40}[0-9]{4}",
        r"(?<!\w)PIN(?: ?(?:code|number|no))?(?: (?:for|of|to) (?:the |my |our )?[a-z ]{1,20}?)?[\"'`]?\s*(?:is|"
        r"was|:|=|=>)\s*[\"'`]?(?P<value>[0-9]{4,6})(?![0-9A-Za-z])",
        needs=("pin",),
        leads=True,
        starts=True,
        caseless=False,
        ahead=24,
    ),
    rule(
        "login-pair",
        "PASSWORD",
        r"(?:log ?in|log ?on|sign ?in|creds?|credentials?|ssh|vpn|user(?:name)?)\b[^\n]{0,32} ?[:/] ?[^\s]{6}",
        r"\b(?:log ?in|log ?on|sign ?in|creds?|credentials?|ssh|vpn|"
        r"user(?:name)?)\b[^\n]{0,24}?\b[\w.@-]{2,32} ?[:/] ?(?P<value>[^\s\"'`/:]{7,40})(?!\S)",
        _strong,
        needs=("log", "sign", "cred", "ssh", "vpn", "user"),
        leads=True,
        starts=True,
        ahead=80,
    ),
    rule(
        "login-of-an-account",
        "PASSWORD",
        r"\b(?:root|admin|administrator|deploy|postgres|ubuntu|sysadmin) ?[:/] ?[^\s]{6}",
        r"\b(?:root|admin|administrator|deploy|postgres|ubuntu|sysadmin) ?[:/] ?(?P<value>[^\s\"'`/:]{6,40})(?!\S)",
        _strong,
        needs=("root", "admin", "deploy", "postgres", "ubuntu", "sysadmin"),
        leads=True,
        starts=True,
        ahead=60,
    ),
    rule(
        "password-before",
        "PASSWORD",
        r" as (?:the|my|your|our|a|temporary|new)[^\n]{0,16} pass",
        r"(?P<value>[^\s\"'`]{6,40})[\"'`]? as (?:the|my|your|our|a|temporary|new)\b[a-z ]{0,16} pass(?:word|"
        r"phrase|code)\b",
        _prose,
        needs=(" pass",),
        back=110,
        ahead=24,
    ),
    rule(
        "wireless-password",
        "PASSWORD",
        r"\bwi-?fi\b[^\n]{0,24}(?:=|:|is|ist|est|es|è) [^\s]{6}",
        r"\bwi-?fi\b(?: (?:key|code|here|pass\w*|password|passwort|at home|network key)){0,3} ?(?:=|:|is|ist|est|es|è) "
        r"[\"'`]?(?!802\.)(?P<value>[^\s\"'`]{6,40})",
        _prose,
        needs=("wi-fi", "wifi"),
        leads=True,
        starts=True,
        ahead=80,
    ),
    rule(
        "password-follows",
        "PASSWORD",
        rf"\b(?:{_BARE}) [^\s]{{4}}",
        rf"\b(?:{_BARE}) [\"'`]?(?P<value>[^\s\"'`]{{5,60}})",
        _prose,
        needs=tuple(f"{word} " for word in _BARE.split("|")),
        leads=True,
        ahead=80,
    ),
    rule(
        "password-told",
        "PASSWORD",
        _SPOKEN_OF.replace("[ья]", ""),
        rf"(?<![^\W_])(?:{by_letter(_SPOKEN_OF)})(?!\w)[^\n]{{0,60}}?(?<![\w@/.$%&-])(?P<value>{_MADE})(?![\w/=(%@])",
        _told,
        needs=stems(_SPOKEN_OF),
        leads=True,
        starts=True,
        back=36,
        ahead=120,
    ),
    rule(
        "combination",
        "PASSWORD",
        _THINGS,
        rf"(?<!\w)(?:{by_letter(_THINGS)})(?!\w)[^\n0-9?]{{1,40}}(?P<value>[0-9](?:[ "
        rf"-]?[0-9]){{3,11}}[#*]?)(?![\w.,/:]?[0-9])",
        _combination,
        needs=stems(_THINGS),
        leads=True,
        starts=True,
        back=36,
        ahead=70,
    ),
    rule(
        "pin-told",
        "PASSWORD",
        r"\b(?:my|your|the|her|his|card|phone|account|sim|debit|unlock|voicemail) pin\b[^\n0-9]{1,24}[0-9]{4}",
        r"\b(?:my|your|the|her|his|card|phone|account|sim|debit|unlock|voicemail) pin\b(?: code| number)?(?: (?:for|"
        r"of|to) "
        r"[a-z' ]{1,20}?)? ?(?:is|was|:|=|->) ?[\"'`]?(?P<value>[0-9]{4,6})(?![0-9A-Za-z])",
        needs=(
            "my pin",
            "your pin",
            "the pin",
            "her pin",
            "his pin",
            "card pin",
            "phone pin",
            "account pin",
            "sim pin",
            "debit pin",
            "unlock pin",
            "voicemail pin",
        ),
        leads=True,
        starts=True,
        back=60,
        ahead=8,
    ),
    rule(
        "password-column",
        "PASSWORD",
        rf"[,;|\t] ?[\"']?(?:{_COLUMN})[\"']? ?[,;|\t\r\n]",
        rf"(?:^|\n)(?P<head>[^\n,;|\t]{{0,40}}[,;|\t](?:[^\n]{{0,160}}[,;|\t])? ?[\"']?(?:{_COLUMN})[\"']? ?(?:[,;|"
        rf"\t][^\n]{{0,160}})?)\r?\n"
        r"(?:[-|: ]{3,160}\n)?(?P<value>(?P<row>[^\n]{4,300}))",
        _cell,
        needs=_COLUMN_NAMES,
        starts=True,
        ends=True,
        back=240,
        ahead=480,
    ),
)
