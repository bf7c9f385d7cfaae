"""Secrets known by their shape or by the sentence: private keys, JSON web tokens, credentials inside addresses and
connection strings, passwords behind the word for them."""

import re
from typing import Final

from routers.sensitivity.near import Near
from routers.sensitivity.randomness import placeholder
from routers.sensitivity.rule import Rule, rule, stems

_CODE: Final = re.compile(
    r"[(){}\[\]]|^(?:os|self|this|process|config|env|settings|request|data|args?|params?|user|form)\.|://|->|,|;|=="
)
_ENGLISH: Final = r"security answer|secret answer|pass[ _-]?words?|pass[ _-]?phrase|passwd|pass[ _-]?code|pwd"
_FOREIGN: Final = (
    r"passwort|kennwort|mot de passe|contrase(?:ñ|n|nh)a|\bsenha|wachtwoord|\bhas(?:ł|l)o\b|l(?:ö|o|oe)senord|"
    r"adgangskode|passord|"
    r"salasana|парол[ья]|пароль|密码|密碼|パスワード|비밀번호|\bclave\b|\bparola\b|\bheslo\b|jelsz(?:ó|o)|şifre|sifre|\bparole\b"
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


def _chosen(match: re.Match[str], _: Near) -> bool:
    """A password somebody chose or a machine drew: letters with digits or signs; no code, word or placeholder."""
    value = match["value"].strip("\"'`").rstrip(".,;:)")
    if value[-1:] in "!?" and value[:-1].isalpha():
        value = value[:-1]
    if not 4 <= len(value) <= 80 or placeholder(value) or _CODE.search(value) or value.lower() in _WORDS:
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
_EMPTY: Final = re.compile(
    r"[x*.•-]+|pass(?:word|wd)?\d?|pwd|token|yyy|secret|test(?:ing)?|user(?:name)?|<.*|\$.*|\{.*|\[.*|%.*|#\{.*|:.*",
    re.IGNORECASE,
)


def _login(match: re.Match[str], _: Near) -> bool:
    """`user:password@host`: real, unless it is a template, or the words themselves at a host of nobody's."""
    secret, host = match["value"], match["host"].lower()
    if secret.startswith(("$", "{", "<", "[", "%s", "*", "#{")) or placeholder(secret + match["user"]):
        return False
    return not (_EMPTY.fullmatch(secret) and re.match(r"localhost|127\.|host|example|your|db$|server", host))


def _option(match: re.Match[str], _: Near) -> bool:
    """`curl -u user:password`: real, unless it is a template or the words themselves."""
    secret = match["value"].strip("\"'")
    return bool(secret) and _EMPTY.fullmatch(secret) is None and "$" not in match["user"] + secret


def _field(match: re.Match[str], _: Near) -> bool:
    value = match["value"]
    return not placeholder(value) and _CODE.search(value) is None and _EMPTY.fullmatch(value) is None


RULES: Final[tuple[Rule, ...]] = (
    rule(
        "pem",
        "PRIVATE_KEY",
        r"-----BEGIN[ A-Z0-9_-]{0,60}PRIVATE KEY",
        r"-----BEGIN[ A-Z0-9_-]{0,60}PRIVATE KEY[A-Z ]*-----",
        needs=("private key",),
        back=110,
        ahead=40,
    ),
    rule(
        "jwt",
        "JWT",
        r"\bey[A-Za-z0-9_-]{8,}\.ey[A-Za-z0-9_/-]{8}",
        r"(?<![A-Za-z0-9])ey[A-Za-z0-9_-]{8,}\.ey[A-Za-z0-9_/\\-]{8,}(?:\.[A-Za-z0-9_/=\\-]*)?",
        needs=(".ey",),
        caseless=False,
        back=600,
        ahead=600,
    ),
    rule(
        "jwt-in-base64",
        "JWT",
        r"\bZXlK[A-Za-z0-9+/=]{30}",
        r"(?<![A-Za-z0-9])ZXlK[A-Za-z0-9+/=]{30,}",
        needs=("zxlk",),
        caseless=False,
        ahead=400,
    ),
    rule(
        "connection-string",
        "CONNECTION_STRING",
        r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'`]{0,64}:[^\s/@\"'`]{1,100}@[^\s]",
        r"[a-z][a-z0-9+.-]{1,20}://(?P<user>[^\s:/@\"'`<>]{0,64}):(?P<value>[^\s/@\"'`<>;]{1,100})@(?P<host>[^\s/@\"'`]{2,})",
        _login,
        needs=("://",),
        back=220,
        ahead=80,
    ),
    rule(
        "connection-fields",
        "CONNECTION_STRING",
        r"(?:accountkey|sharedaccesskey|password|pwd)=[^;\s]{6}",
        r"(?:accountkey|sharedaccesskey|(?<=;)password|(?<=;)pwd)=(?P<value>[^;\s\"']{6,})",
        _field,
        needs=("key=", "password=", "pwd="),
        ahead=120,
    ),
    rule(
        "curl-user",
        "API_KEY",
        r"(?:-u|--user)[ =]{1,3}[\"']?[^\s:]{1,64}:[\"']?[^\s]",
        r"(?:curl\b[^\n]{0,200}?|\s)(?:-u|--user)[ =]{1,3}[\"']?(?P<user>[^\s\"':]{1,64})[\"']?:[\"']?"
        r"(?P<value>[^\s\"']{1,100})",
        _option,
        needs=("-u", "--user"),
        back=300,
        ahead=100,
    ),
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
        needs=(" as the", " as my", " as your", " as our", " as a", " as temp", " as new"),
        leads=True,
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
)
