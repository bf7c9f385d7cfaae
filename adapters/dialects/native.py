"""A request and its answer, passed on in the dialect they came in to a backend that speaks it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import orjson

from adapters.call import Call, Dialect, Headers, Relay
from adapters.chat import Json
from adapters.dialects import files, plain
from adapters.dialects.chat import relay as chat
from adapters.dialects.chat.ingress import NOTHING_FURTHER, outgoing_body
from adapters.dialects.checks import own_changes
from adapters.dialects.completions import relay as completions
from adapters.dialects.encoding import to_text
from adapters.dialects.messages import relay as messages
from adapters.dialects.pieces import to_body
from adapters.dialects.responses import kept as kept_responses
from adapters.dialects.responses import relay as responses
from adapters.dialects.signing import MARK, is_mark
from adapters.document import Body
from adapters.others import OFTEN, others
from adapters.stretches import find

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
    "response": kept_responses.relay,
}
_MARK: Final = MARK.encode()
_ANTHROPICS: Final = frozenset({"messages", "count_tokens"})
_ASKED_FOR_USAGE: Final = frozenset({"chat", "completions"})  # the others tell it of their own accord


def body(call: Call, model: str, further: Mapping[str, str | None] = NOTHING_FURTHER) -> Body:
    """The application's own bytes, but for what Weir changes in any request, and `further` changes to a chat request
    (JSON by key; None removes) for a provider that departs from the dialect."""
    if call.dialect in _ASKED_FOR_USAGE:
        return outgoing_body(call, model, further)
    return changed(call, own_changes(call.document.values, model))


def changed(call: Call, changes: dict[str, str | None]) -> Body:
    """A request that stays in its dialect with these changes (as `Document.rewritten` has them), and without thoughts
    that stand for another provider's signatures."""
    body, values = call.document.body, call.document.values
    if call.dialect not in _ANTHROPICS or (find(body, _MARK) < 0 if call.large else _MARK not in body):
        return call.document.rewritten(changes)
    messages = list(_unmarked(values["messages"]))
    if not call.large:
        return call.document.rewritten(changes | {"messages": to_text(messages)})
    told = {key: orjson.loads(text) for key, text in changes.items() if text is not None}
    kept = {key: value for key, value in values.items() if key not in changes}
    return to_body(kept | told | {"messages": messages}, large=True)


def _unmarked(messages: list[Json]) -> Iterator[Json]:
    """Messages without what stands for another provider's signatures."""
    for i, message in enumerate(messages):
        if i & OFTEN == OFTEN:
            others()
        content = message.get("content")
        if isinstance(content, list) and any(map(is_mark, content)):
            yield {**message, "content": [block for block in content if not is_mark(block)]}
        else:
            yield message


def relay(call: Call, headers: Headers) -> Relay:
    """The way back for a 2xx answer; `headers` are the provider's."""
    return _RELAYS[call.dialect](call, headers)
