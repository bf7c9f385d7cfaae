"""AWS Signature Version 4: proves who sends a request without sending the secret.

As the "AWS API request signing" chapter of the IAM User Guide has it: a canonical request is hashed into a string to
sign, which a key derived from secret, day, region and service signs. Held to AWS's published test suite.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, quote

from adapters.call import Headers

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_UNRESERVED: Final = "-_.~"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs. `session` comes with credentials that expire."""

    access_key: str
    secret_key: str = field(repr=False)
    session: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """For which service in which region a signature holds."""

    region: str
    service: str


def signed(
    method: str, target: bytes, headers: Headers, body: bytes, who: Credentials, scope: Scope, at: datetime
) -> Headers:
    """The headers to add to a request. `target` is the path (and query) as it goes over the wire; `headers` (`host`
    among them) are those the signature covers; `at` is UTC."""
    moment = at.strftime("%Y%m%dT%H%M%SZ")
    own: list[tuple[bytes, bytes]] = [(b"x-amz-date", moment.encode())]
    if who.session:
        own.append((b"x-amz-security-token", who.session.encode()))
    canonical, names = _canonical(method, target, (*headers, *own), body)
    granted = f"{moment[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = f"{_ALGORITHM}\n{moment}\n{granted}\n{_digest(canonical)}"
    key = f"AWS4{who.secret_key}".encode()
    for part in (moment[:8], scope.region, scope.service, "aws4_request"):
        key = _keyed(key, part)
    proof = f"{_ALGORITHM} Credential={who.access_key}/{granted}, SignedHeaders={names}, Signature="
    return (*own, (b"authorization", (proof + _keyed(key, text).hex()).encode()))


def _canonical(
    method: str, target: bytes, headers: Sequence[tuple[bytes, bytes]], body: bytes
) -> tuple[bytes, str]:
    path, _, query = target.partition(b"?")
    pairs = parse_qsl(query.decode(), keep_blank_values=True)
    asked = "&".join(
        sorted(f"{quote(key, safe=_UNRESERVED)}={quote(value, safe=_UNRESERVED)}" for key, value in pairs)
    )
    held: dict[str, list[str]] = {}
    for name, value in headers:
        held.setdefault(name.decode().lower(), []).append(" ".join(value.decode().split()))
    names = ";".join(sorted(held))
    lines = "".join(f"{name}:{','.join(held[name])}\n" for name in sorted(held))
    # The path is escaped once more, as every service but S3 has it: what is `%3A` on the wire is `%253A` here.
    where = quote(path, safe="/" + _UNRESERVED)
    return f"{method}\n{where}\n{asked}\n{lines}\n{names}\n{_digest(body)}".encode(), names


def _digest(data: bytes | str) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def _keyed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
