"""Credentials for AWS that expire: where they come from, and that they are renewed before they do.

Four places that AWS's own libraries know: a profile of the shared credentials file, the role that a web identity may
take (a token in a file, as EKS gives it to service accounts, for which STS gives credentials), the endpoint of a
container (ECS, EKS), and the metadata service of an instance (version 2 alone: a token is asked for first). All of it
is slow; never on the event loop.
"""

import configparser
import http.client
import json
import logging
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode, urlsplit

from adapters.sigv4 import Credentials

_log = logging.getLogger("weir.aws")

AHEAD: Final = 600.0  # seconds before they end that new ones are asked for; AWS has them five minutes before
FILE_EVERY: Final = 30.0  # seconds between two looks into a file
_PATIENCE: Final = 2.0  # seconds that an endpoint may take
_INSTANCE: Final = "http://169.254.169.254"
_CONTAINER: Final = "http://169.254.170.2"
_NEAR: Final = frozenset({"localhost", "127.0.0.1", "::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"})
_LARGEST: Final = 64 * 1024  # bytes of an answer

Found = tuple[Credentials, float | None]  # and when they end (UTC seconds); None: nobody says
Fetch = Callable[[], Found]


_of_sts: Final = re.compile(r"<(AccessKeyId|SecretAccessKey|SessionToken|Expiration)>([^<]+)</").findall


class NotThere(Exception):  # noqa: N818  # it names what is wrong
    """There are no credentials at this place; `str()` says why, and holds none."""


def source(
    kind: Literal["profile", "web_identity", "container", "instance"],
    profile: str,
    environ: Mapping[str, str],
    region: str = "",
) -> Fetch:
    """How to get credentials from one of the places; `region` is whose STS is asked. What it gives raises NotThere."""
    match kind:
        case "profile":
            file = _shared_file(environ)
            return lambda: _of_file(file, profile)
        case "web_identity":
            return lambda: _of_web_identity(environ, region)
        case "container":
            return lambda: _of_container(environ)
        case "instance":
            base = environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", _INSTANCE).rstrip("/")
            return lambda: _of_instance(base)


def _shared_file(environ: Mapping[str, str]) -> Path:
    """Where the shared credentials file is."""
    named = environ.get("AWS_SHARED_CREDENTIALS_FILE")
    return Path(named) if named else Path(environ.get("HOME", "~")).expanduser() / ".aws" / "credentials"


@dataclass(slots=True)
class Renewing:
    """One backend's credentials, as they are now. `clock` gives UTC seconds."""

    fetch: Fetch
    clock: Callable[[], float] = time.time
    current: Credentials | None = field(default=None, repr=False)
    until: float = 0.0  # when to look again

    def __call__(self) -> Credentials | None:
        """Who signs now; None: there are none yet."""
        return self.current

    @property
    def due(self) -> bool:
        """Whether it is time to look again."""
        return self.clock() >= self.until

    def look(self) -> None:
        """Get new ones. Where that fails the old ones stay, and it is tried again soon. Slow."""
        try:
            self.current, ends = self.fetch()
        except NotThere as error:
            self.until = self.clock() + FILE_EVERY
            _log.warning("no new credentials for AWS: %s", error)
            return
        soon = self.clock() + FILE_EVERY
        self.until = soon if ends is None else max(ends - AHEAD, soon)


def _of_file(path: Path, profile: str) -> Found:
    held = configparser.RawConfigParser()
    try:
        held.read_string(path.read_text())
        section = held[profile]
        found = Credentials(
            section["aws_access_key_id"], section["aws_secret_access_key"], section.get("aws_session_token")
        )
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError) as error:
        raise NotThere(f"the profile {profile} of {path} ({type(error).__name__})") from None
    return found, None


def _of_web_identity(environ: Mapping[str, str], region: str) -> Found:
    """The token is read anew each time: its file changes before it expires."""
    file, role = environ.get("AWS_WEB_IDENTITY_TOKEN_FILE", ""), environ.get("AWS_ROLE_ARN", "")
    if not file or not role:
        raise NotThere("AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN name no role to take")
    asked = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": environ.get("AWS_ROLE_SESSION_NAME") or "weir",
        "WebIdentityToken": _token(file),
    }
    url = environ.get("AWS_ENDPOINT_URL_STS") or f"https://sts.{region}.amazonaws.com"
    _check_near("AWS_ENDPOINT_URL_STS", url)
    told = dict(
        _of_sts(_ask("POST", f"{url.rstrip('/')}/", {}, urlencode(asked).encode()).decode(errors="replace"))
    )
    return _credentials({**told, "Token": told.get("SessionToken")})


def _of_container(environ: Mapping[str, str]) -> Found:
    relative = environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    url = f"{_CONTAINER}{relative}" if relative else environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
    _check_near("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI", url)
    file = environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    token = _token(file) if file else environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
    return _read(_ask("GET", url, {"authorization": token} if token else {}))


def _of_instance(base: str) -> Found:
    token = _ask("PUT", f"{base}/latest/api/token", {"x-aws-ec2-metadata-token-ttl-seconds": "300"})
    shown = {"x-aws-ec2-metadata-token": token.decode("latin-1")}
    place = f"{base}/latest/meta-data/iam/security-credentials/"
    role = _ask("GET", place, shown).strip().split(b"\n")[0]
    return _read(_ask("GET", place + quote(role), shown))


def _check_near(variable: str, url: str) -> None:
    """Raise NotThere where a token would go over a network in the clear."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _NEAR):
        raise NotThere(f"{variable} names no place near or behind TLS")


def _token(file: str) -> str:
    try:
        return Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotThere(f"{file} ({type(error).__name__})") from None


def _ask(method: str, url: str, headers: Mapping[str, str], form: bytes | None = None) -> bytes:
    """An answer of an endpoint, asked without any proxy."""
    request = urllib.request.Request(url, form, dict(headers), method=method)  # noqa: S310  # checked, or AWS's own
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Straight())
    try:
        with opener.open(request, timeout=_PATIENCE) as answer:
            data: bytes = answer.read(_LARGEST)
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it holds the connection
        raise NotThere(f"{urlsplit(url).netloc} did not give any ({type(error).__name__})") from None
    return data


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: a token would go along."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _read(answer: bytes) -> Found:
    try:
        told = json.loads(answer)
    except ValueError:
        told = None
    return _credentials(told)


def _credentials(told: Any) -> Found:
    try:
        ends = datetime.fromisoformat(told["Expiration"]).timestamp() if told.get("Expiration") else None
        return Credentials(told["AccessKeyId"], told["SecretAccessKey"], told.get("Token")), ends
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotThere("the endpoint's answer holds none") from None
