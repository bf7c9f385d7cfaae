"""Where a replica is and how a request to it begins: base URL, request head, TLS, proxies in the way."""

import ipaddress
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from adapters.call import Headers, Outgoing
from adapters.errors import UpstreamError

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_OURS: Final = frozenset(
    {b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect"}
)
_BODILESS: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"DELETE"})
_CACHED_HEADS: Final = 256  # those in use are few, but where clients add something of their own

_is_token = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_is_target = re.compile(rb"/[!-~]*").fullmatch
_breaks_out = re.compile(rb"[\r\n\0]").search


@dataclass(frozen=True, slots=True)
class Origin:
    """A replica's base URL, taken apart. `authority` is the host header, `base` begins every path."""

    tls: bool
    host: str
    port: int
    authority: str
    base: str
    _heads: dict[tuple[bytes, bytes, Headers], bytes] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, base_url: str) -> "Origin":
        """Raises ValueError, with a sentence for the operator, unless it is `http[s]://host[:port][/path]`."""
        parts = urlsplit(base_url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise ValueError("a base URL must look like http://host:port or https://host/path")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("a base URL holds no user name, no query and no fragment")
        host = parts.hostname if ":" in parts.hostname else parts.hostname.encode("idna").decode()
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        authority = f"[{host}]" if ":" in host else host
        if port != DEFAULT_PORTS[parts.scheme]:
            authority = f"{authority}:{port}"
        base = parts.path.rstrip("/")
        if base and not _is_target(base.encode()):
            raise ValueError("the path of a base URL must be percent-encoded")
        return cls(parts.scheme == "https", host, port, authority, base)

    def head(self, outgoing: Outgoing) -> bytes:
        """The request line and headers, up to and with the empty line.

        Raises UpstreamError('protocol', sent=False) where a path or header would break out of its place.
        """
        method, body = outgoing.method, outgoing.body
        head = self._heads.get((method, outgoing.path, outgoing.headers)) or self._head(outgoing)
        if body or method not in _BODILESS:
            return b"%bcontent-length: %d\r\n\r\n" % (head, len(body))
        return head + b"\r\n"

    def _head(self, outgoing: Outgoing) -> bytes:
        """All of it that the body has no part in, from now on remembered: calls mostly have it in common."""
        method, path, headers = outgoing.method, outgoing.path, outgoing.headers
        if not _is_token(method) or not _is_target(path):
            raise UpstreamError(
                "protocol", f"the method or path for {self.authority} is not HTTP", sent=False
            )
        _require_names(tuple([name for name, _ in headers]))
        if any(_breaks_out(value) for _, value in headers):
            raise UpstreamError("protocol", f"a header for {self.authority} holds a line break", sent=False)
        lines = [
            b"%b %b%b HTTP/1.1" % (method, self.base.encode(), path),
            b"host: " + self.authority.encode(),
            *[b"%b: %b" % pair for pair in headers],
            b"",
        ]
        head = b"\r\n".join(lines)
        if len(self._heads) >= _CACHED_HEADS:
            self._heads.clear()
        self._heads[method, path, headers] = head
        return head


@lru_cache(maxsize=256)
def _require_names(names: tuple[bytes, ...]) -> None:
    for name in names:
        if not _is_token(name) or name.lower() in _OURS:
            raise UpstreamError("protocol", f"{name[:64]!r} is not a header a caller may set", sent=False)


def tls_context(
    ca_file: str | None = None, *, client_certificate: str | None = None, client_key: str | None = None
) -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and host name always checked: against `ca_file` (PEM) alone where it is
    given, else against the system's authorities. Raises OSError where a file cannot be read or is no PEM."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if client_certificate is not None:
        context.load_cert_chain(client_certificate, client_key)
    return context


def proxy_fault(base_url: str, environ: Mapping[str, str]) -> str | None:
    """Why Weir must not start: the environment names a proxy that other clients would use for this URL.

    Weir connects directly. To ignore the variable silently would send data past the place where its operator
    expects to see it, and to obey it would send data to a place no boundary knows. The proxy's own address is
    not repeated: it may hold a password. None where no proxy applies.
    """
    origin = Origin.parse(base_url)
    if _is_loopback(origin.host):
        return None
    scheme = "https" if origin.tls else "http"
    for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"):
        if environ.get(name):
            break
    else:
        return None
    if _exempt(origin, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return None
    return (
        f"{name} is set, but Weir connects to {scheme}://{origin.authority} directly and does not send "
        f"traffic through a proxy it was not told of: unset {name}, or add {origin.host} to NO_PROXY"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def _exempt(origin: Origin, no_proxy: str) -> bool:
    """Whether NO_PROXY names this origin: `*`, an address, a network, or a domain with all below it."""
    return any(_covers(entry, origin) for entry in no_proxy.replace(" ", ",").split(",") if entry)


def _covers(entry: str, origin: Origin) -> bool:
    if entry == "*":
        return True
    address = _address(origin.host)
    if address is not None and _network(entry) is not None:
        return address in (_network(entry) or ())
    name, _, port = entry.rpartition(":")
    if name and port.isdigit():
        if int(port) != origin.port:
            return False
        entry = name
    domain = entry.strip("[]").lstrip("*").lstrip(".").lower()
    return origin.host == domain or (address is None and bool(domain) and origin.host.endswith("." + domain))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None
