"""Secrets known by the name they are given to, or by looking drawn at random where keys are spoken of.

A random string alone may be a checksum, a cursor or an identifier. It is a secret when the name before it says so
(`client_secret`), when that name is an issuer's (`datadog = …`), when it has an issuer-like mark of its own
(`abc_live_…`), or when the words around it are about keys. Names of harmless things speak against.
"""

import re
from typing import Final

from routers.sensitivity import specimens
from routers.sensitivity.near import Near
from routers.sensitivity.randomness import UUID, drawn, hexadecimal, placeholder
from routers.sensitivity.rule import Check, Rule, rule
from routers.sensitivity.trigger import GIVEN, LACED

_ISSUERS: Final = """
adafruit adobe airtable alchemy algolia alibaba amplitude anthropic apify appveyor artifactory asana
atlassian auth0 aws azure beamer binance bitbucket bitly bittrex bluesky braintree brevo buildkite cfx
circleci clearbit clerk clickup clojars cloudflare cloudinary codecov cohere coinbase confluent consul
contentful contentstack databricks datadog deepgram deepl defined deepseek digitalocean discord docker
doppler droneci dropbox duffel dynatrace easypost elastic elevenlabs eleven_?labs etherscan etsy eventbrite
facebook fastly fauna figma finicity finnhub firebase flickr flutterwave fly_?io foursquare frameio
freshbooks freshdesk gcp giphy github gitlab gitter gocardless google grafana groq harness hashicorp
helpscout heroku hubspot hugging_?face infracost infura instagram intercom intra42 ipstack jenkins jfrog
jira jotform kraken kucoin launchdarkly linear linkedin linode lob looker mailchimp mailerlite mailgun
mailjet mandrill mapbox mattermost maxmind meraki message_?bird mistral mixpanel moralis netlify new_?relic
ngrok notion npm nuget nytimes octopus okta onesignal onfido openai openrouter openweather opsgenie paddle
pagerduty paypal perplexity pinecone pinterest pipedrive plaid planetscale postgrid postman postmark prefect
privateai private-ai pubnub pulumi pusher pypi quay rapidapi razorpay readme readthedocs recaptcha reddit
replicate revenuecat rollbar rubygems salesforce sauce scalingo segment sendbird sendgrid sendinblue sentry
shippo shodan shopify sidekiq signalwire slack snowflake snyk sonar sonarqube sonatype spotify square
squarespace stackexchange stripe sumo_?logic sumo supabase tailscale telegram telegr telnyx terraform
todoist together travis travisci trello twilio twitch twitter typeform unsplash upstash vault vercel
virustotal vonage wakatime webex weights wistia woocommerce workos xero yandex yelp youtube zapier zendesk
zerobounce zillow zoho zoom
"""
_SECRET_NAME: Final = re.compile(
    r"(?:api|access|auth|private|secret|signing|encrypt\w*|license|account|shared|service|consumer|client|app|admin|"
    r"master|deploy|host|session|webhook|ssh|aes|hmac|jwt)[_. -]?key|apikey|secret|token|credential|bearer|"
    r"(?:^|[_\-.])key|key$|auth$|passw|pwd"
)
_HARMLESS_NAME: Final = re.compile(
    r"(?:^|[_\-. ])(?:ids?|uuid|guid|name|cursor|etag|nonce|hash|checksum|digest|sha\d*|md5|commit|rev|revision|"
    r"integrity|trace|span|version|build|page|next|continuation|fingerprint|file|path|image|img|src|url|uri|href|"
    r"type|accessor|option|seq|sequence|model|title|text|data|content|body|order|ref|snapshot|public_?key|pubkey|"
    r"publickey|key_?id|keyid|tokens?_?(?:count|limit|type)|max_?tokens|primary_?key|foreign_?key|sort_?key|"
    r"partition_?key|cache_?key|keyword|monkey|class|style|color|kit|iv|salt|kid|author|authsource|hostname|host|"
    r"domain|results|bot_?name|boundary|range)[\"'`\]]*$|(?<=[a-z])(?:Ids?|Uuid|UUID|Name|Cursor|Hash|Url|URL|Uri|"
    r"Version|Path|File|Kit|Type|ID|Source)$"
)
_AUTH: Final = re.compile(
    r"(?<![a-z])(?:api|keys?|tokens?|secrets?|auth\w*|bearer|credentials?|401|403|unauthorized|forbidden|login|"
    r"passwords?|rotate|revoke\w*|leak\w*|[a-zäöü]{0,16}schlüssel|zugangs\w+|clés?|jeton|clave|llave|chiave|sleutel|"
    r"klucz\w{0,2}|"
    r"chave|nyckel)(?![a-z])"
)
_PUBLIC_IDS: Final = re.compile(  # identifiers that services print for everybody: no secrets
    r"(?:call|chatcmpl|cmpl|msg|toolu|req|resp|run|thread|asst|file|evt|cus|pi|ch|sub|in|price|prod|acct|pm|seti|cs|"
    r"step|batch|vs|ft|rs|fc|user|u|org|proj|trace|span|sha256|sha512|sha1|sha384|md5|build|img|image|uuid|id|guid|"
    r"arn|ami|vpc|subnet|i|sg|vol|snap|eni|public|item|node|ws|conv|v|rc|version|release|commit|rev)[_-]",
    re.IGNORECASE,
)
_CODE: Final = re.compile(
    r"[(){}\[\]]|^(?:os|self|this|process|config|env|settings|request|data|std|ctx|args?|params?)\.|://|^/|->|"
    r"\.(?:py|js|ts|md|com|org|net|io|json|ya?ml|txt|html|png|jpe?g|gif|svg|css|xml|java|go|rs|git|local|internal)\b"
)
_GIVEN: Final = re.compile(r"[\"'`\])]{0,3}\s{0,6}(?::=|=>|\|\||[=:>,]|\bis\b)\s{0,6}[\"'`(]{0,3}(?:= ?)?$")
_NAME_END: Final = re.compile(r"[A-Za-z][\w.\- ]{0,40}$")
_SEPARATED: Final = r"[\"'`\])]{0,2}\s{0,6}(?::=|=>|\|\||[=:>,]|\bis )\s{0,6}[\"'`(]{0,2}"
_VALUE: Final = r"[A-Za-z0-9_\-./+=~:!@#$%^&*|]"


def _name_of(near: Near) -> str:
    """The name that the value is given to; nothing where there is none."""
    before = near.text[max(0, near.start - 64) : near.start].rsplit("\n", 1)[-1]
    given = _GIVEN.search(before)
    name = _NAME_END.search(before[: given.start()]) if given else None
    return name[0] if name else ""


def _harmless(name: str) -> bool:
    """Whether a name, as written, is that of a checksum, a cursor, an identifier."""
    return _HARMLESS_NAME.search(name) is not None or _HARMLESS_NAME.search(name.lower()) is not None


_SLASHED: Final = 40  # characters of AWS's secret keys, which may begin as paths do


def _given(match: re.Match[str], near: Near) -> bool:
    """Given to a name that says "secret"."""
    value = match["value"].strip(".,;:)&|\"'`")
    name = near.text[max(0, match.start() - 30) : match.start("value")].rstrip(" \t\n=:>,|\"'`([)]")
    name = re.split(r"[^\w.\-]", name)[-1]
    slashed = len(value) == _SLASHED and value.isascii()
    if (
        _harmless(name)
        or _CODE.search(value.lstrip("/") if slashed else value)
        or placeholder(match["value"])
    ):
        return False
    return drawn(value, 2.8 if len(value) < 20 else 3.0)


def _issued_by(issuer: str) -> Check:
    """Given to a name that the issuer's is part of. One pattern serves all issuers: to compile one for each takes a
    quarter of the time in which Weir starts."""
    return lambda match, _: issuer in match["name"].lower().replace("_", "") and _issued(match)


def _issued(match: re.Match[str]) -> bool:
    """Given to a name that is an issuer's: fourteen characters or more, drawn at random."""
    value = match["value"].strip(".,;:)")
    name = match["name"]
    if _harmless(name) or _CODE.search(value) or len(value) < 14:
        return False
    if UUID.fullmatch(value) and not _SECRET_NAME.search(name.lower()):
        return False
    return drawn(value, 2.9)


def _random(match: re.Match[str], near: Near) -> bool:
    """Drawn at random: judged by its mark, by its name, or by what is spoken of around it."""
    value = match[0]
    if value.endswith("="):
        value = value.rstrip("=")
    if specimens.token(value):
        return False
    if len(value) < 20 or _PUBLIC_IDS.match(value) or _CODE.search(value) or not drawn(value, 3.3):
        return False
    if near.before.endswith(("/", "\\", "#", "@", "data:", "base64,")) or UUID.search(value):
        return False
    name = _name_of(near)
    if _harmless(name):
        return False
    if _SECRET_NAME.search(name.lower()):
        return True
    if hexadecimal(value) or value.count("/") > 2 or value.count(".") > 3:
        return False
    marked = _MARK.match(value)
    if marked is not None and drawn(marked["body"], 3.3):
        return True
    if name and value.isalnum() and near.before.endswith(("'", '"', "`")):
        return len(value) >= 20 and drawn(value, 3.6)
    return _AUTH.search(near.before[-60:]) is not None or _AUTH.search(near.after) is not None


_MARK: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9]{1,11}[_-](?:[A-Za-z0-9]{1,10}[_-])?(?P<body>[A-Za-z0-9]{20,})$"
)


def _issuer_rules() -> tuple[Rule, ...]:
    """A rule for each issuer's name: an alternation of them all would be tried letter by letter."""
    return tuple(
        rule(
            f"issuer-{issuer.replace('_?', '').lower()}",
            "API_KEY",
            rf"{issuer}[a-z0-9_.\-]{{0,16}}[\"'`]?\s{{0,2}}[=:>|,]",
            rf"(?P<name>[a-z][a-z0-9_.\-]{{1,40}}){_SEPARATED}(?P<value>{_VALUE}{{12,240}})",
            _issued_by(issuer.replace("_?", "").lower()),
            needs=(issuer.split("_?")[0],),
            leads=True,
            among=GIVEN,
            back=60,
            ahead=260,
        )
        for issuer in _ISSUERS.split()
    )


RULES: Final[tuple[Rule, ...]] = (
    rule(
        "assigned-secret",
        "API_KEY",
        rf"(?:key|token|secret|credentials?|auth)[a-z0-9_\-]{{0,12}}{_SEPARATED}[^\s\"'`]{{10}}",
        rf"(?:key|token|secret|credentials?|auth)[a-z0-9_\-]{{0,12}}{_SEPARATED}(?P<value>[^\s\"'`,;<>]{{10,200}})",
        _given,
        needs=("key", "token", "secret", "credential", "auth"),
        leads=True,
        among=GIVEN,
        back=60,
        ahead=220,
    ),
    *_issuer_rules(),
    rule(
        "random-token",
        "API_KEY",
        r"[a-z][0-9]{1,4}[a-z]{1,8}[0-9]{1,4}[a-z]{1,8}[0-9]{1,4}[a-z]",
        r"(?<![A-Za-z0-9_\-./+~])[A-Za-z0-9_\-./+~]{20,}={0,2}(?![A-Za-z0-9])",
        _random,
        among=LACED,
        back=160,
        ahead=240,
    ),
    rule(
        "authorization",
        "API_KEY",
        r"(?:authorization|bearer|x-[a-z-]{0,20}(?:key|token))[\"':= ]{1,9}(?:bearer|basic|token|"
        r"key)? {0,6}[A-Za-z0-9]",
        r"(?:authorization|x-[a-z-]{0,20}(?:key|token)|bearer)[\"':= ]{1,12}(?:(?:bearer|basic|token|key) +)?"
        r"(?P<value>[A-Za-z0-9_\-./+=~]{6,})",
        lambda match, _: _header(match["value"], match[0]),
        needs=("authorization", "bearer", "x-"),
        leads=True,
        starts=True,
        ahead=240,
    ),
)


def _header(value: str, header: str) -> bool:
    """A credential in a header: random, or short and no word."""
    if placeholder(value) or _CODE.search(value):
        return False
    if drawn(value, 2.7):
        return True
    short = 6 <= len(value) <= 16 and any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return not header.lower().startswith("bearer") and (short or (value.isupper() and len(value) >= 8))
