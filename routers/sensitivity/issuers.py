"""Tokens that carry their issuer's mark: prefixes and forms that cloud, code and model providers document."""

import re
from typing import Final

from routers.sensitivity import checks, specimens
from routers.sensitivity.near import Near
from routers.sensitivity.randomness import placeholder
from routers.sensitivity.rule import Rule, rule
from routers.sensitivity.trigger import LONG, Trigger

# A prefix, `|`, and the fewest characters that follow it.
_PREFIXES: Final = """
ghp_|20 gho_|20 ghu_|20 ghs_|20 ghr_|20 github_pat_|20
glpat-|16 gldt-|16 glrt-|16 glcbt-|16 glptt-|16 glft-|16 glimt-|16 glagent-|20 glsoat-|16 gloas-|20 glffct-|16
glrtr-|16 glwt-|16 GR1348941|18
xoxb-|10 xoxp-|10 xoxa-|10 xoxr-|10 xoxs-|10 xoxo-|5 xoxe-|10 xoxe.xoxp-|10 xoxe.xoxb-|10 xapp-|10 xwfp-|10
ABSK|40 bedrock-api-key-|40 ya29.|20 GOCSPX-|20
sk-|20 sk-proj-|20 sk-ant-|20 sk-or-|20 sk-svcacct-|20 sk-admin-|20 pplx-|20 gsk_|20 r8_|20 hf_|20 api_org_|20
xai-|20 fw_|20 tgp_v1_|20 nvapi-|20 lsv2_|20 pcsk_|20 tvly-|16 dapi|30 jina_|20 cpk_|20
sk_live_|10 sk_test_|10 sk_prod_|10 rk_live_|10 rk_test_|10 rk_prod_|10 whsec_|20 sq0atp-|20 sq0csp-|20 sq0idp-|20
EAAA|50 shpat_|20 shpca_|20 shppa_|20 shpss_|20 rzp_live_|14 rzp_test_|14 FLWSECK|20 FLWPUBK|20 ak_live_|16
shippo_live_|30 shippo_test_|30 duffel_live_|30 duffel_test_|30 access-sandbox-|30 access-production-|30
access-development-|30 EZAK|40 EZTK|40
SG.|30 key-|32 pubkey-|32 xkeysib-|30 xsmtpsib-|30 re_|24
npm_|30 pypi-Ag|50 rubygems_|40 CLOJARS_|40 dckr_pat_|20 dckr_oat_|20 AKCp|60 cmVmdGtu|40 oy2|40
dop_v1_|40 doo_v1_|40 dor_v1_|40 HRKU-|30 fm1_|40 fm1a_|40 fm1r_|40 fm2_|40 fo1_|30 nfp_|30 nfc_|30 rnd_|20 sbp_|30
sb_secret_|20 pscale_tkn_|20 pscale_pw_|20 pscale_oauth_|20 napi_|20 LTAI|16 AKID|30 AQVN|30 t1.|60 YC|38 K00|28
hvs.|20 hvb.|20 hvr.|20 dp.pt.|30 dp.st.|30 dp.ct.|30 dp.sa.|30 dp.scim.|30 dp.audit.|30 pul-|30 ico-|30 sha256~|30
lin_api_|30 lin_oauth_|30 ntn_|30 secret_|40 ATATT3|40 ATCTT3|40 ATBB|24 PMAK-|40 CFPAT-|30 figd_|30 ATTA|50 rdme_|40
tfp_|40 fio-u-|40 polar_|30
glsa_|30 glc_|30 NRAK-|20 NRII-|20 NRJS-|16 NRRA-|20 sntrys_|30 sntryu_|30 dt0c01.|60 dt0s01.|60 phc_|30 phx_|30
ops_eyJ|40 AGE-SECRET-KEY-1|40 p8e-|28 tk-us-|30 sm_aat_|12 sm_pat_|12 sm_sat_|12 pnu_|30 API-|20
s-s4t2ud-|40 s-s4t2af-|40 sgp_|30 pat.|40 4b1d|36 tskey-|20 CCIPAT_|30 bkua_|30 ddp_|30 dvc_server_|20 sdk-|36
EAAC|60 EAAB|60 IGQV|60 v1.0-|100 v2.local.|40 pk.eyJ|40 sk.eyJ|40 mfa.|50 vc_|24 uat_|30 lmk_|20 zpka_|20
"""
_BODY: Final = r"[A-Za-z0-9_\-./+=~]"
_WORDY: Final = re.compile(
    r"[A-Z]?[a-z]{2,}(?:[A-Z][a-z]{2,}){2,}|_[a-z]{3,}_|\.(?:png|jpg|gif|svg|xml|html|bfu)$"
)


_COUNTING: Final = re.compile(r"0?123456789?0?")


def _wordy(body: str) -> bool:
    """Whether most of it is words: among random letters a few may look like some."""
    words = _WORDY.search(body)
    return words is not None and (words[0].islower() or 2 * len(words[0]) > len(body))


def _token(match: re.Match[str], _: Near) -> bool:
    """Behind an issuer's prefix: neither a placeholder nor words."""
    body = _COUNTING.sub("", match["body"])  # some numbers do run like that
    if len(body) < min(16, len(match["body"])) or placeholder(match[0][:4] + body) or _wordy(body):
        return False
    return (
        not specimens.token(match[0])
        and checks.entropy(body) >= (2.6 if len(body) >= 14 else 1.5)
        and (any(map(str.isdigit, body)) or body.isalpha())
    )


def _prefixed() -> tuple[Rule, ...]:
    """A rule for each issuer's prefix."""
    rules: list[Rule] = []
    for entry in _PREFIXES.split():
        prefix, size = entry.split("|")
        literal = re.escape(prefix)
        rules.append(
            Rule(
                f"token-{prefix.strip('-_.').lower()}",
                "PASSWORD" if "_pw_" in prefix else "API_KEY",
                (Trigger(rf"\b{literal}{_BODY}{{{size}}}", (prefix.lower(),), caseless=False, leads=True),),
                re.compile(rf"(?<![A-Za-z0-9/]){literal}(?P<body>{_BODY}{{{size},}})"),
                _token,
                back=int(size) + len(prefix) + 4,
                ahead=200,
            )
        )
    return tuple(rules)


def _random_upper(match: re.Match[str], _: Near) -> bool:
    return not placeholder(match[0]) and checks.entropy(match[0]) > (
        2.8 if any(map(str.isdigit, match[0])) else 3.2
    )


def _google(match: re.Match[str], _: Near) -> bool:
    return not specimens.token(match[0]) and not placeholder(match[0]) and checks.entropy(match[0]) > 3.5


RULES: Final[tuple[Rule, ...]] = (
    *_prefixed(),
    rule(
        "aws-access-key",
        "API_KEY",
        r"\b(?:AKIA|ASIA|ABIA|ACCA|AROA|A3T[A-Z0-9])[A-Z2-7]{16}\b",
        r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA|AROA|A3T[A-Z0-9])[A-Z2-7]{16}(?![A-Za-z0-9])",
        _random_upper,
        needs=("akia", "asia", "abia", "acca", "aroa", "a3t"),
        leads=True,
        caseless=False,
    ),
    rule(
        "google-api-key",
        "API_KEY",
        r"\bAIza[A-Za-z0-9_-]{35}",
        r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9])",
        _google,
        needs=("aiza",),
        starts=True,
        caseless=False,
    ),
    rule(
        "telegram-bot",
        "API_KEY",
        r"[0-9]{5}:A[A-Za-z0-9_-]{32}",
        r"(?<![A-Za-z0-9:])[0-9]{5,16}:A[A-Za-z0-9_-]{32,36}(?![A-Za-z0-9_-])",
        caseless=False,
        among=LONG,
    ),
    rule(
        "discord-bot",
        "API_KEY",
        r"[MNOA][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27}",
        r"(?<![A-Za-z0-9])[MNOA][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}(?![A-Za-z0-9_-])",
        needs=(".",),
        caseless=False,
        among=LONG,
        back=90,
    ),
    rule(
        "mailchimp",
        "API_KEY",
        r"\b[0-9a-f]{32}-us[0-9]{1,2}\b",
        r"(?<![A-Za-z0-9])[0-9a-f]{32}-us[0-9]{1,2}(?![0-9])",
        needs=("-us",),
        caseless=False,
    ),
    rule(
        "twilio",
        "API_KEY",
        r"\bSK[0-9a-fA-F]{32}\b",
        r"(?<![A-Za-z0-9])SK[0-9a-fA-F]{32}(?![A-Za-z0-9])",
        needs=("sk",),
        leads=True,
        caseless=False,
    ),
    rule(
        "azure-client-secret",
        "API_KEY",
        r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31}",
        r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}",
        needs=("q~",),
        caseless=False,
    ),
    rule(
        "airtable-pat",
        "API_KEY",
        r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b",
        r"(?<![A-Za-z0-9])pat[A-Za-z0-9]{14}\.[a-f0-9]{64}",
        needs=("pat",),
        leads=True,
        caseless=False,
        back=96,
    ),
    rule(
        "vault-legacy",
        "API_KEY",
        r"\bs\.[A-Za-z0-9]{24}\b",
        r"(?<![A-Za-z0-9._])s\.[A-Za-z0-9]{24}(?![A-Za-z0-9])",
        _random_upper,
        needs=("s.",),
        leads=True,
        caseless=False,
    ),
    rule(
        "1password-secret-key",
        "PASSWORD",
        r"\bA3-[A-Z0-9]{6}-[A-Z0-9]{5}",
        r"(?<![A-Za-z0-9])A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}",
        _random_upper,
        needs=("a3-",),
        leads=True,
        caseless=False,
    ),
    rule(
        "authress",
        "API_KEY",
        r"\b(?:sc|ext|scauth|authress)_[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.acc[_-]",
        r"(?<![A-Za-z0-9])(?:sc|ext|scauth|authress)_[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.acc[_-][a-z0-9-]{10,32}\.[a-z0-9+/_=-]{30,120}",
        needs=(".acc_", ".acc-"),
        ahead=180,
    ),
    rule(
        "maxmind",
        "API_KEY",
        r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk",
        r"(?<![A-Za-z0-9])[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk",
        needs=("_mmk",),
    ),
    rule(
        "kubernetes-secret",
        "API_KEY",
        r"kind:[ \t]{0,12}[\"']?secret\b",
        r"kind:[ \t]*[\"']?secret\b[^~]{0,400}?\n?\s*data:\s*[\w.-]+:\s*[\"']?[A-Za-z0-9+/=]{8,}|"
        r"data:\s*[\w.-]+:\s*[\"']?[A-Za-z0-9+/=]{8,}[^~]{0,400}?kind:[ \t]*[\"']?secret\b",
        needs=("secret",),
        starts=True,
        ends=True,
        back=500,
        ahead=500,
    ),
    rule(
        "webhook",
        "API_KEY",
        r"(?:hooks\.slack\.com/(?:services|workflows|triggers)|webhook\.office\.com/webhookb2|"
        r"discord(?:app)?\.com/api/webhooks)/[A-Za-z0-9]",
        r"(?:hooks\.slack\.com/(?:services|workflows|triggers)|webhook\.office\.com/webhookb2|"
        r"discord(?:app)?\.com/api/webhooks)/[A-Za-z0-9@/_-]{20,}",
        lambda match, _: not placeholder(match[0]),
        needs=("hooks.slack.com/", "webhook.office.com/", ".com/api/webhooks/"),
        back=80,
        ahead=240,
    ),
)
