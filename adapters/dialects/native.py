"""A request and its answer, passed on in the dialect they came in to a backend that speaks it."""

from collections.abc import Callable, Mapping
from typing import Final

from adapters.call import Call, Dialect, Headers, Relay
from adapters.dialects import files, plain
from adapters.dialects.chat import relay as chat
from adapters.dialects.chat.ingress import NOTHING_FURTHER, outgoing_body
from adapters.dialects.checks import own_changes
from adapters.dialects.completions import relay as completions
from adapters.dialects.messages import relay as messages
from adapters.dialects.responses import relay as responses

_RELAYS: Final[Mapping[Dialect, Callable[[Call, Headers], Relay]]] = {
    "chat": chat.relay,
    "completions": completions.relay,
    "messages": messages.relay,
    "responses": responses.relay,
    "embeddings": plain.relay,
    "rerank": plain.relay,
    "score": plain.relay,
    "count_tokens": plain.relay,
    "tokenize": plain.relay,
    "detokenize": plain.relay,
    "files": files.relay,
    "file": files.relay,
}
_ASKED_FOR_USAGE: Final = frozenset({"chat", "completions"})  # the others tell it of their own accord


def body(call: Call, model: str, further: Mapping[str, str | None] = NOTHING_FURTHER) -> bytes:
    """The application's own bytes, but for what Weir changes in any request, and `further` changes to a chat request
    (JSON by key; None removes) for a provider that departs from the dialect."""
    if call.dialect in _ASKED_FOR_USAGE:
        return outgoing_body(call, model, further)
    return call.document.rewritten(own_changes(call.document.values, model))


def relay(call: Call, headers: Headers) -> Relay:
    """The way back for a 2xx answer; `headers` are the provider's."""
    return _RELAYS[call.dialect](call, headers)
