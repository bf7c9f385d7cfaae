"""Where a dialect's endpoint stands behind a base URL, whichever way people write base URLs."""

import re
from typing import Final

from adapters.call import Call, Dialect, Headers

_version = re.compile(r"(?:^|/)v\d+\w*(?:/|$)").search  # /v1, /v1beta/openai, /api/v3

_PATHS: Final[dict[Dialect, bytes]] = {
    "chat": b"/chat/completions",
    "completions": b"/completions",
    "responses": b"/responses",
    "messages": b"/messages",
    "embeddings": b"/embeddings",
}

_FORWARDED: Final = frozenset({b"x-request-id", b"traceparent", b"tracestate"})


def endpoint(base_path: str, dialect: Dialect) -> bytes:
    """The path to append to a base URL whose own path is `base_path`: `http://host:8000` lacks the version,
    so `/v1` comes first; `https://host/v1` or `https://host/v1beta/openai` has one."""
    return (b"" if _version(base_path) else b"/v1") + _PATHS[dialect]


def outgoing_headers(call: Call, user_agent: str, *also: bytes) -> Headers:
    """The headers every backend sends, with those of the client's that any provider may see, and `also`."""
    accept = b"text/event-stream" if call.stream else b"application/json"
    passed = tuple((name, value) for name, value in call.headers if name in _FORWARDED or name in also)
    return (
        (b"content-type", b"application/json"),
        (b"accept", accept),
        (b"accept-encoding", b"identity"),
        (b"user-agent", user_agent.encode()),
        *passed,
    )
