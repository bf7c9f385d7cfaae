"""Secrets known by their shape: private keys, JSON web tokens, credentials inside addresses, commands and connection
strings."""

import re
from typing import Final

from routers.sensitivity import specimens
from routers.sensitivity.near import Near
from routers.sensitivity.randomness import placeholder
from routers.sensitivity.rule import Rule, rule

_CODE: Final = re.compile(
    r"[(){}\[\]]|^(?:os|self|this|process|config|env|settings|request|data|args?|params?|user|form)\.|://|->|,|;|=="
)
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
    if match["user"].startswith(("<", "[", "{")):
        return False
    return bool(secret) and _EMPTY.fullmatch(secret) is None and "$" not in match["user"] + secret


def _field(match: re.Match[str], _: Near) -> bool:
    value = match["value"]
    return not placeholder(value) and _CODE.search(value) is None and _EMPTY.fullmatch(value) is None


def _optional(match: re.Match[str], near: Near) -> bool:
    """`--password value`: real, unless it is a template, a path, or the next option."""
    value = match["value"]
    return (
        _field(match, near)
        and not value.startswith(("-", "/", "$", ".", "{"))
        and any(map(str.isalnum, value))
    )


def _strong(match: re.Match[str], _: Near) -> bool:
    """Letters, digits and signs together: what nothing but a password is made of."""
    value = match["value"]
    return (
        not placeholder(value)
        and any(map(str.isdigit, value))
        and any(map(str.isalpha, value))
        and any(char in "!@#$%^&*?+~" for char in value)
        and "://" not in value
    )


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
        lambda match, _: not specimens.token(match[0]),
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
        starts=True,
        caseless=False,
        ahead=400,
    ),
    rule(
        "connection-string",
        "CONNECTION_STRING",
        r"://[^\s:/@\"'`]{0,64}:[^\s/@\"'`]{1,100}@[^\s]",
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
        "password-option",
        "PASSWORD",
        r"(?:sshpass -p ?|--pass(?:word|wd|phrase)?[ =]|--pwd[ =]|mysql(?:dump|admin)? [^\n]{0,60}-p)[^\s]{0,3}[^\s-]",
        r"(?:sshpass -p ?|--pass(?:word|wd|phrase)?[ =]|--pwd[ =]|mysql(?:dump|admin)? [^\n]{0,60}? -p)[\"']?"
        r"(?P<value>[^\s\"'<>]{4,80})",
        _optional,
        needs=("sshpass -p", "--pass", "--pwd", "mysql"),
        leads=True,
        back=100,
        ahead=90,
    ),
    rule(
        "login-in-code",
        "PASSWORD",
        r"(?:connect|login|pdo|auth\w{0,12}|credentials?)(?:=| ?= ?|)\([^\n()]{1,160}[\"'][^\s\"']{6}",
        r"(?:connect\w*|login|pdo|\w*auth\w*|credentials?)(?:=| ?= ?|"
        r")\([^\n()]{1,160}?[\"'] ?, ?[\"'](?P<value>[^\s\"']{6,64})[\"'] ?[,)]",
        _strong,
        needs=("connect", "login", "pdo", "auth", "credential"),
        leads=True,
        back=240,
        ahead=80,
    ),
)
