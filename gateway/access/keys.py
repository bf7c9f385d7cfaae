"""API keys: made once, shown once, kept only as SHA-256, and recognised in microseconds."""

import hashlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

PREFIX = "sk-weir-"
_REMEMBERED: Final = 4096  # headers: a key has few spellings, but whoever holds one may try them all


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: the tenant that pays, and which of its keys was shown."""

    tenant: str
    key: str


@dataclass(frozen=True, slots=True)
class Credential:
    """One key of a tenant, as the configuration holds it. `expires` is aware (UTC) or None."""

    tenant: str
    key: str
    sha256: str
    expires: datetime | None


class AccessDenied(Exception):  # noqa: N818  # it names the answer, not a fault of ours
    """The request shows no key that counts. `reason` is fit for metrics; `str()` is fit for the client."""

    def __init__(self, reason: Literal["missing", "malformed", "unknown", "expired"], message: str) -> None:
        super().__init__(message)
        self.reason = reason


def create() -> str:
    """A fresh key of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(key: str) -> str:
    """What the configuration keeps of a key: its SHA-256, in hexadecimal."""
    return hashlib.sha256(key.encode()).hexdigest()


_Known = tuple[Credential, Principal]


def wall_clock() -> datetime:
    """What time it is."""
    return datetime.now(UTC)


class Keyring:
    """All keys of one snapshot, found by digest; what showed one of them is known again when it comes again. Comparing
    digests of random keys leaks nothing by its timing, and looking up a header compares no more than its keyed hash
    until all of it is right."""

    def __init__(self, credentials: Iterable[Credential], clock: Callable[[], datetime] = wall_clock) -> None:
        self._clock: Final = clock
        self._by_digest: dict[bytes, _Known] = {
            bytes.fromhex(each.sha256): (each, Principal(each.tenant, each.key)) for each in credentials
        }
        self._shown: dict[bytes, _Known] = {}  # by header

    def authenticate(self, authorization: bytes | None) -> Principal:
        """The principal behind an `Authorization: Bearer …` value. Raises AccessDenied."""
        credential, principal = self._shown.get(authorization or b"") or self._recognised(authorization)
        if credential.expires is not None and credential.expires <= self._clock():
            raise AccessDenied(
                "expired",
                f"The API key {credential.key!r} expired on {credential.expires:%Y-%m-%d}. "
                "Ask whoever runs this gateway for a new one.",
            )
        return principal

    def _recognised(self, authorization: bytes | None) -> _Known:
        if not authorization:
            raise AccessDenied(
                "missing",
                "You didn't provide an API key. Provide it in an Authorization header using Bearer auth "
                "(i.e. Authorization: Bearer YOUR_KEY).",
            )
        scheme, _, key = authorization.partition(b" ")
        key = key.strip()
        if scheme.lower() != b"bearer" or not key:
            raise AccessDenied(
                "malformed", "The Authorization header must read: Authorization: Bearer YOUR_KEY."
            )
        known = self._by_digest.get(hashlib.sha256(key).digest())
        if known is None:
            raise AccessDenied(
                "unknown", "Incorrect API key provided. Ask whoever runs this gateway for a key of its own."
            )
        if len(self._shown) >= _REMEMBERED:
            self._shown.clear()
        self._shown[authorization] = known
        return known
