"""Where a dialect's endpoint stands behind a base URL, whichever way people write base URLs."""

import re
from functools import cache
from typing import Final

from adapters.call import Call, Dialect, Headers
from adapters.errors import Unsupported

_version = re.compile(r"(?:^|/)v\d+\w*(?:/|$)").search  # /v1, /v1beta/openai, /api/v3

_PATHS: Final[dict[Dialect, bytes]] = {
    "chat": b"/chat/completions",
    "completions": b"/completions",
    "responses": b"/responses",
    "messages": b"/messages",
    "embeddings": b"/embeddings",
    "rerank": b"/rerank",
    "score": b"/score",
    "count_tokens": b"/messages/count_tokens",
    "files": b"/files",
    "file": b"/files",
    "response": b"/responses",
}
_ABOVE_THE_VERSION: Final[dict[Dialect, bytes]] = {"tokenize": b"/tokenize", "detokenize": b"/detokenize"}

_FORWARDED: Final = frozenset({b"x-request-id", b"traceparent", b"tracestate"})


@cache
def endpoint(base_path: str, dialect: Dialect) -> bytes:
    """The path to append to a base URL whose own path is `base_path`: `http://host:8000` lacks the version,
    so `/v1` comes first; `https://host/v1` or `https://host/v1beta/openai` has one. Raises Unsupported for what
    vLLM serves above the version, where the base URL names one."""
    if dialect in _ABOVE_THE_VERSION:
        if _version(base_path):
            raise Unsupported(
                "model", f"this model's base URL ends in a version, and /{dialect} stands above it"
            )
        return _ABOVE_THE_VERSION[dialect]
    return (b"" if _version(base_path) else b"/v1") + _PATHS[dialect]


def outgoing_headers(call: Call, user_agent: str, *also: bytes) -> Headers:
    """The headers every backend sends, with those of the client's that any provider may see, and `also`."""
    always = _always(user_agent, stream=call.stream)
    if not call.headers:
        return always
    passed = [pair for pair in call.headers if pair[0] in _FORWARDED or pair[0] in also]
    return (*always, *passed)


@cache
def _always(user_agent: str, *, stream: bool) -> Headers:
    return (
        (b"content-type", b"application/json"),
        (b"accept", b"text/event-stream" if stream else b"application/json"),
        (b"accept-encoding", b"identity"),
        (b"user-agent", user_agent.encode()),
    )
