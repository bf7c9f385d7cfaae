"""Keys, tokens, passwords and connection strings.

Four ways to know a secret: the prefix its issuer gives it, the shape it has (PEM, JWT, `user:password@host`), the name
it is assigned to (`api_key = …`), and the sentence it stands in ("the password is …"). All but the shapes then ask
whether the value looks drawn at random, or at least chosen, and is no placeholder.
"""

import re
from typing import Final

from routers.sensitivity import checks
from routers.sensitivity.engine import Trigger
from routers.sensitivity.near import Near
from routers.sensitivity.rule import Rule, rule

# Prefixes as their issuers document them, and the fewest characters that follow. `|` ends an entry's prefix.
_PREFIXES: Final = """
ghp_|20 gho_|20 ghu_|20 ghs_|20 ghr_|20 github_pat_|20 glpat-|16 gldt-|16 glrt-|16 glcbt-|16 glptt-|16 glft-|16
glimt-|16 glagent-|20 glsoat-|16 gloas-|20 glffct-|16 glrtr-|16 glwt-|16 GR1348941|18 xoxb-|10 xoxp-|10 xoxa-|10
xoxr-|10 xoxs-|10 xoxo-|5 xoxe-|10 xoxe.xoxp-|10 xoxe.xoxb-|10 xapp-|10 xwfp-|10 AKIA|16 ASIA|16 ABIA|16 ACCA|16
AROA|16 A3T|17 ABSK|40 bedrock-api-key-|40 AIza|30 ya29.|20 GOCSPX-|20 sk-|20 sk-proj-|20 sk-ant-|20 sk-or-|20
sk-svcacct-|20 sk-admin-|20 pplx-|20 gsk_|20 r8_|20 hf_|20 api_org_|20 xai-|20 fw_|20 tgp_v1_|20 nvapi-|20 lsv2_|20
pcsk_|20 tvly-|16 dapi|30 jina_|20 sk_live_|10 sk_test_|10 sk_prod_|10 rk_live_|10 rk_test_|10 rk_prod_|10 whsec_|20
sq0atp-|20 sq0csp-|20 sq0idp-|20 EAAA|50 shpat_|20 shpca_|20 shppa_|20 shpss_|20 SG.|30 key-|32 pubkey-|32 xkeysib-|30
xsmtpsib-|30 npm_|30 pypi-Ag|50 rubygems_|40 CLOJARS_|40 dckr_pat_|20 dckr_oat_|20 dop_v1_|40 doo_v1_|40 dor_v1_|40
HRKU-|30 fm1_|40 fm1a_|40 fm1r_|40 fm2_|40 fo1_|30 nfp_|30 nfc_|30 rnd_|20 sbp_|30 sb_secret_|20 pscale_tkn_|20
pscale_pw_|20 pscale_oauth_|20 napi_|20 hvs.|20 hvb.|20 hvr.|20 dp.pt.|30 dp.st.|30 dp.ct.|30 dp.sa.|30 dp.scim.|30
dp.audit.|30 pul-|30 ico-|30 lin_api_|30 lin_oauth_|30 ntn_|30 secret_|40 ATATT3|40 ATCTT3|40 ATBB|24 PMAK-|40 glsa_|30
glc_|30 NRAK-|20 NRII-|20 NRJS-|16 NRRA-|20 sntrys_|30 sntryu_|30 dt0c01.|60 dt0s01.|60 ops_eyJ|40 AGE-SECRET-KEY-1|40
p8e-|28 LTAI|16 AKID|30 AQVN|30 t1.|60 YC|38 FLWSECK|20 FLWPUBK|20 fio-u-|40 EZAK|40 EZTK|40 duffel_live_|30
duffel_test_|30 shippo_live_|30 shippo_test_|30 tfp_|40 rdme_|40 tk-us-|30 sm_aat_|12 sm_pat_|12 sm_sat_|12 pnu_|30
API-|20 AKCp|60 cmVmdGtu|40 sha256~|30 CFPAT-|30 figd_|30 s-s4t2ud-|40 s-s4t2af-|40 sgp_|30 pat.|40 4b1d|36 rzp_live_|14
rzp_test_|14 tskey-|20 CCIPAT_|30 bkua_|30 ddp_|30 re_|24 polar_|30 access-sandbox-|30 access-production-|30
access-development-|30 EAAC|60 EAAB|60 IGQV|60 v1.0-|100 HRKU-AA|30 v2.local.|40 dvc_server_|20 sdk-|36 ATTA|50
live_|35 test_|35 K00|28 pk.eyJ|40 sk.eyJ|40 mfa.|50 oy2|40 vc_|24 uat_|30 cpk_|20 lmk_|20 zpka_|20 ak_live_|16 phc_|30 phx_|30
"""
_TOKENS: Final = tuple(
    (prefix, int(size)) for prefix, size in (entry.split("|") for entry in _PREFIXES.split())
)
_BODY: Final = r"[A-Za-z0-9_\-./+=~]"

_PLACEHOLDER: Final = re.compile(
    r"x{5,}|\*{3,}|\.{3}|#{4,}|example|placeholder|your|change.?me|dummy|sample|redacted|tokenhere|keyhere|_here|"
    r"insert|replace|todo|fixme|012345678|12345678|abcdefg|(.)\1{7,}|xxxx|my[-_]|foobar|<|>|\$\{|\{\{|%\(|randomstring",
    re.IGNORECASE,
)
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def placeholder(value: str) -> bool:
    """Whether a value stands in for a secret rather than being one."""
    return _PLACEHOLDER.search(value) is not None


def random_looking(value: str, bits: float = 3.0) -> bool:
    """Whether a value of ten or more characters looks drawn, not written: letters with digits, and no words."""
    if len(value) < 10 or placeholder(value) or checks.entropy(value) < bits:
        return False
    digits = sum(map(str.isdigit, value))
    letters = sum(map(str.isalpha, value))
    if not letters:
        return False
    if digits >= 2 or (digits and len(value) < 16):
        return True
    return (
        _CASE_SWITCH.search(value) is not None
        and len(value) >= 20
        and len(_CASE_SWITCH.findall(value)) * 5 >= len(value)
    )


_CASE_SWITCH: Final = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]|[0-9][a-zA-Z]")


def _token(match: re.Match[str], _: Near) -> bool:
    """Behind an issuer's prefix: long enough, and neither a placeholder nor words."""
    value = match["body"]
    return (
        not placeholder(match[0])
        and checks.entropy(value) >= (2.6 if len(value) >= 14 else 1.5)
        and (any(map(str.isdigit, value)) or (value.isalpha() and not _WORDY.search(value)))
    )


_WORDY: Final = re.compile(r"[A-Z]?[a-z]{2,}(?:[A-Z][a-z]{2,}){2,}|_[a-z]{3,}_")


def _token_rules() -> tuple[Rule, ...]:
    """One rule for all issuers' prefixes, with a trigger each."""
    triggers = tuple(
        Trigger(rf"\b{re.escape(prefix)}{_BODY}{{{size}}}", (prefix.lower(),), caseless=False)
        for prefix, size in _TOKENS
    )
    return tuple(
        Rule(
            f"token-{prefix.strip('-_.').lower()}",
            "API_KEY" if "pw" not in prefix else "PASSWORD",
            (trigger,),
            re.compile(rf"(?<![A-Za-z0-9]){re.escape(prefix)}(?P<body>{_BODY}{{{size},}})"),
            _token,
            back=size + len(prefix) + 4,
            ahead=200,
        )
        for (prefix, size), trigger in zip(_TOKENS, triggers, strict=True)
    )


_PUBLIC_IDS: Final = re.compile(  # identifiers that services hand out and print: no secrets
    r"(?:call|chatcmpl|cmpl|msg|toolu|req|resp|run|thread|asst|file|evt|cus|pi|ch|sub|in|price|prod|acct|pm|seti|cs|step|"
    r"batch|vs|ft|rs|fc|user|org|proj|trace|span|sha256|sha512|sha1|md5|build|img|image|uuid|id|guid|arn|ami|vpc|subnet|"
    r"i|sg|vol|snap|eni|pk|pub|public|item|node|ws|conv)[_-]",
    re.IGNORECASE,
)


def _prefixed(match: re.Match[str], near: Near) -> bool:
    """A short name, a separator, and a long random body: what an issuer's token looks like, whoever issues it."""
    body = match["body"]
    if _PUBLIC_IDS.match(match[0]) or not random_looking(body, 3.3) or _UUID.search(match[0]):
        return False
    hexadecimal = all(char in "0123456789abcdef" for char in body)
    return (not hexadecimal and not near.before.endswith(("/", "\\", ".", "="))) or near.named(_AUTH)


_AUTH: Final = re.compile(
    r"(?<![a-z])(?:api|key|keys|token|secret|auth\w*|bearer|credential\w*|401|403|unauthorized|forbidden|login|password)(?![a-z])"
)
_NAME: Final = (
    r"(?:[a-z0-9_.\-]{0,30}(?:api[_. -]?key|apikey|access[_. -]?key|secret|token|auth[_. -]?key|private[_. -]?key|client[_. -]?secret|"
    r"signing[_. -]?key|encryption[_. -]?key|credentials?|license[_. -]?key|account[_. -]?key|shared[_. -]?key|[_\-.]key|key|auth)[a-z0-9_\-]{0,12})"
)


def _assigned(match: re.Match[str], _: Near) -> bool:
    value, name = match["value"].rstrip(".,;:)"), match["name"].lower()
    if name.endswith(("id", "_name", "name", "url", "uri", "path", "type", "version", "file")):
        return False
    return random_looking(value, 3.0 if len(value) < 24 else 3.2) and not _CODE.search(value)


_CODE: Final = re.compile(
    r"[(){}\[\]]|^(?:os|self|this|process|config|env|settings|request|data)\.|://|^/|^[\w-]+\.(?:py|js|ts|md|com|org|net|io)$|->"
)

_PASS: Final = (
    r"pass ?word|pass ?phrase|passwd|passcode|password|passwort|kennwort|mot de passe|contrase[nñ]a|senha|wachtwoord|has[lł]o|"
    r"l[oö]senord|adgangskode|passord|salasana|парол[ья]|密码|密碼|パスワード|비밀번호|clave|parola|heslo|jelsz[oó]|şifre|parole"
)
_CHOSEN: Final = re.compile(r"(?=.*[0-9!@#$%^&*?+=~])(?=.*[A-Za-z])")


def _password(match: re.Match[str], _: Near) -> bool:
    """A chosen password: letters with digits or signs, and no code, no word, no placeholder."""
    value = (
        match["value"].rstrip(".,;:!?)\"'`") if len(match["value"]) > 8 else match["value"].rstrip(",;:)\"'`")
    )
    if not 5 <= len(value) <= 80 or placeholder(value) or _CODE.search(value):
        return False
    if value.lower() in ("password", "secret", "pass", "user", "admin", "string", "password123"):
        return False
    return _CHOSEN.match(value) is not None and not value.startswith(("$", "{", "%", "<", "[", "--", "&"))


def _login(match: re.Match[str], _: Near) -> bool:
    """`user:password@` in an address, or behind curl's -u: real unless both are the words themselves."""
    secret = match["value"]
    if (
        match["user"].lower() in ("user", "username")
        and secret.lower() in ("password", "pass", "pwd", "token")
        and "localhost" in match[0]
    ):
        return False
    return (
        bool(secret)
        and not secret.startswith(("$", "{", "<", "[", "%s", "*", "#{"))
        and not re.fullmatch(
            r"[x*.]+|pass(?:word)?|pwd|token|yyy|secret|test|\$.*",
            secret if match.re is _CURL else "-",
            re.IGNORECASE,
        )
    )


_CURL: Final = re.compile(
    r"curl\b[^\n]{0,200}?(?:-u|--user)[ =]*[\"']?(?P<user>[^\s\"':]{1,64})[\"']?:[\"']?(?P<value>[^\s\"']{1,100})",
    re.IGNORECASE,
)
_SEPARATOR: Final = r"[\"'`\]]{0,2}\s{0,6}(?::=|=>|=|:|\|\||,|\bis\b|->)\s{0,6}"

RULES: Final[tuple[Rule, ...]] = (
    *_token_rules(),
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
        r"(?<![A-Za-z0-9])ey[A-Za-z0-9_-]{8,}\.ey[A-Za-z0-9_/-]{8,}(?:\.[A-Za-z0-9_/=-]{8,})?",
        needs=(".ey",),
        caseless=False,
        back=600,
        ahead=600,
    ),
    rule(
        "jwt-base64",
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
        r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'`]{0,64}:[^\s/@\"'`]{2,100}@[^\s]",
        r"[a-z][a-z0-9+.-]{1,20}://(?P<user>[^\s:/@\"'`<>]{0,64}):(?P<value>[^\s/@\"'`<>;]{2,100})@(?P<host>[^\s/@\"'`]{2,})",
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
        lambda match, _: not placeholder(match["value"]) and not _CODE.search(match["value"]),
        needs=("key=", "password=", "pwd="),
        ahead=120,
    ),
    rule(
        "curl-user",
        "API_KEY",
        r"(?:-u|--user)[ =]{0,3}[\"']?[^\s:]{1,64}:[\"']?[^\s]",
        _CURL.pattern,
        _login,
        needs=("-u", "--user"),
        back=300,
        ahead=100,
    ),
    rule(
        "authorization",
        "API_KEY",
        r"(?:authorization|bearer|x-[a-z-]{0,20}(?:key|token))[\"':= ]{1,6}(?:bearer|basic|token|key)? ?[A-Za-z0-9]",
        r"(?:authorization|x-[a-z-]{0,20}(?:key|token)|bearer)[\"':= ]{1,9}(?:(?:bearer|basic|token|key) +)?(?P<value>[A-Za-z0-9_\-./+=~]{8,})",
        lambda match, _: (
            random_looking(match["value"], 2.7)
            or (len(match["value"]) < 10 and any(map(str.isdigit, match["value"])))
        ),
        needs=("authorization", "bearer", "x-"),
        ahead=200,
    ),
    rule(
        "assigned-secret",
        "API_KEY",
        r"(?:key|token|secret|credentials?|auth)[a-z0-9_\-]{0,12}[\"'`\]]{0,2}\s{0,6}(?:=|:|,|is )",
        _NAME.replace("(?:", "(?P<name>", 1) + _SEPARATOR + r"[\"'`(]{0,2}(?P<value>[^\s\"'`,;<>]{10,200})",
        _assigned,
        needs=("key", "token", "secret", "credential", "auth"),
        back=70,
        ahead=220,
    ),
    rule(
        "prefixed-token",
        "API_KEY",
        r"\b[a-z][a-z0-9]{1,11}[_-](?:[a-z0-9]{1,10}[_-])?[a-z0-9]{20}",
        r"(?<![A-Za-z0-9_-])[A-Za-z][A-Za-z0-9]{1,11}[_-](?:[A-Za-z0-9]{1,10}[_-])?(?P<body>[A-Za-z0-9]{20,})(?![A-Za-z0-9])",
        _prefixed,
        ahead=200,
    ),
    rule(
        "password-named",
        "PASSWORD",
        rf"(?:{_PASS}|passwd|pwd|pass|pw)[a-z0-9_\-]{{0,16}}[\"'`\]]{{0,2}}\s{{0,6}}(?:=|:|is |ist |est |es |é |to |,|->)",
        rf"(?:{_PASS}|passwd|pwd|\bpass|\bpw)[a-z0-9_\-]{{0,16}}[\"'`\]]{{0,2}}\s{{0,6}}(?::=|=>|=|:|->|\b(?:is|ist|est|es|to|:)\b|é)\s{{0,6}}[\"'`]?(?P<value>[^\s\"'`]{{5,80}})",
        _password,
        needs=(
            "pass",
            "pwd",
            "pw",
            "kennwort",
            "contrase",
            "senha",
            "wachtwoord",
            "haslo",
            "hasło",
            "senord",
            "adgangskode",
            "salasana",
            "парол",
            "密码",
            "密碼",
            "パスワード",
            "비밀번호",
            "clave",
            "parola",
            "heslo",
            "jelsz",
            "şifre",
            "parole",
        ),
        back=90,
        ahead=110,
    ),
    rule(
        "password-follows",
        "PASSWORD",
        r"\b(?:pass|password|pwd|pw) [^\s]{5}",
        r"\b(?:pass|password|pwd|pw) [\"'`]?(?P<value>[^\s\"'`]{5,60})",
        lambda match, near: _password(match, near) and sum(map(str.isdigit, match["value"])) >= 1,
        needs=("pass ", "password ", "pwd ", "pw "),
        ahead=80,
    ),
    rule(
        "telegram",
        "API_KEY",
        r"\b[0-9]{8,10}:A[A-Za-z0-9_-]{32}",
        r"(?<![A-Za-z0-9:])[0-9]{8,10}:A[A-Za-z0-9_-]{32,36}(?![A-Za-z0-9_-])",
        caseless=False,
    ),
    rule(
        "discord",
        "API_KEY",
        r"[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27}",
        r"(?<![A-Za-z0-9])[MNOA][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}",
        caseless=False,
        back=90,
    ),
    rule(
        "mailchimp",
        "API_KEY",
        r"\b[0-9a-f]{32}-us[0-9]{1,2}\b",
        r"(?<![A-Za-z0-9])[0-9a-f]{32}-us[0-9]{1,2}(?![0-9])",
    ),
    rule(
        "twilio",
        "API_KEY",
        r"\bSK[0-9a-fA-F]{32}\b",
        r"(?<![A-Za-z0-9])SK[0-9a-fA-F]{32}(?![A-Za-z0-9])",
        caseless=False,
    ),
    rule(
        "azure-client-secret",
        "API_KEY",
        r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31}",
        r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}",
        caseless=False,
    ),
    rule(
        "webhook",
        "API_KEY",
        r"(?:hooks\.slack\.com/(?:services|workflows|triggers)|webhook\.office\.com/webhookb2|discord(?:app)?\.com/api/webhooks)/[A-Za-z0-9]",
        r"(?:hooks\.slack\.com/(?:services|workflows|triggers)|webhook\.office\.com/webhookb2|discord(?:app)?\.com/api/webhooks)/[A-Za-z0-9@/_-]{20,}",
        needs=("hooks.slack.com", "webhook"),
        back=80,
        ahead=240,
    ),
)
