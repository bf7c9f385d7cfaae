"""Responses that their provider keeps, asked about by their ids: looked at, streamed again, cancelled, deleted.

What is asked becomes a document like any other request, so that it is permitted, routed and booked like any other; the
answer is passed on byte for byte. It costs nothing: the tokens it tells of are those of the response itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, quote, urlencode

from adapters.call import Call, Headers, Outgoing
from adapters.chat import Json, TokenUsage
from adapters.dialects.chat.answer import write_error
from adapters.dialects.checks import InvalidRequest
from adapters.dialects.relaying import Words
from adapters.dialects.responses import relay as responses
from adapters.dialects.responses.answer import TERMINAL
from adapters.dialects.responses.retelling import retold
from adapters.dialects.responses.stored import made
from adapters.document import Document

PLACE: Final = "/v1/responses"
Action = Literal["retrieve", "delete", "cancel", "items"]

_NOTHING: Final = TokenUsage(source="reported")
_OTHERS: Final = frozenset({"input_tokens", "compact"})  # of OpenAI's paths, which name no response
_METHODS: Final[Mapping[str, Mapping[str, Action]]] = {  # by what stands behind the id
    "": {"GET": "retrieve", "DELETE": "delete"},
    "/cancel": {"POST": "cancel"},
    "/input_items": {"GET": "items"},
}
_TAILS: Final[Mapping[str, str]] = {"cancel": "/cancel", "items": "/input_items"}
_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "retrieve": frozenset({"include", "include[]", "include_obfuscation", "starting_after", "stream"}),
    "items": frozenset({"after", "before", "include", "include[]", "limit", "order"}),
}
_LAST: Final = frozenset(
    {"response.completed", "response.incomplete", "response.failed", "response.cancelled"}
)
_one_response = re.compile(r"/v1/responses/(?!\.\.?(?:/|$))([^/]+)(/cancel|/input_items)?").fullmatch
_plain = re.compile(r"[\w.\-]{1,200}", re.ASCII).fullmatch  # ids, names, numbers: no text of anybody's


def named(path: str) -> tuple[str, str] | None:
    """The id of the response that a path names, and what stands behind it."""
    found = _one_response(path)
    return None if found is None or found[1] in _OTHERS else (found[1], found[2] or "")


def methods(tail: str) -> frozenset[str]:
    """What may be done there."""
    return frozenset(_METHODS[tail])


def action(tail: str, method: str) -> Action:
    """What a request of that method asks for there."""
    return _METHODS[tail][method]


def asked(name: str, action: Action, query: bytes, body: bytes, model: str) -> Document:
    """A request about one response as a document. Raises InvalidRequest for what it cannot ask."""
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    for key, value in given:
        if key not in _FIELDS.get(action, ()) or not _plain(value):
            raise InvalidRequest(
                f"Weir does not serve '{key[:64]}' here, or not with this value.", key[:64], "invalid_value"
            )
    if body.strip() not in (b"", b"{}"):
        raise InvalidRequest("A request about a response that is kept has no body.", None, "invalid_value")
    stream = ("stream", "true") in given
    values = {"model": model, "response_id": name, "action": action, "query": urlencode(given)}
    return Document(b"", "", {**values, "stream": stream}, {})


def read(document: Document, headers: Headers = ()) -> Call:
    """Such a request as a call."""
    return Call("response", document, document.values["stream"], wants_usage=False, headers=headers)


def references(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The response it is about."""
    return (values["response_id"],)


def outgoing(call: Call, headers: Headers, path: bytes) -> Outgoing:
    """The request for a provider whose responses stand at `path`."""
    values = call.document.values
    method = {"delete": b"DELETE", "cancel": b"POST"}.get(values["action"], b"GET")
    place, _, query = path.partition(b"?")
    place += f"/{quote(values['response_id'], safe='')}{_TAILS.get(values['action'], '')}".encode()
    queries = b"&".join(each for each in (query, values["query"].encode()) if each)
    target = place + b"?" + queries if queries else place
    return Outgoing(method, target, tuple(each for each in headers if each[0] != b"content-type"), b"")


def relay(call: Call, headers: Headers) -> "Told | ToldAgain":
    """The way back for a 2xx answer; `headers` are the provider's."""
    return ToldAgain(headers) if call.stream else Told(headers, write_error)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a response that was worked on in the background ended: its status, what it used (`unknown` where the
    provider does not say), its finish in the canonical words, when (UTC seconds), and the engine's own figures."""

    status: str
    usage: TokenUsage
    finish: str
    at: float | None
    metrics: dict[str, float] | None


def ended(response: Json) -> Ended | None:
    """What a response says of its end; None while it is worked on. Raises what reading a misshapen one raises."""
    if response.get("status") not in TERMINAL:
        return None
    seen = responses.JsonRelay((), write_error)
    responses.note_whole(seen, response)
    at = response.get("completed_at")
    return Ended(
        response["status"],
        seen.usage,
        seen.finish_reason or "",
        float(at) if isinstance(at, int | float) else None,
        seen.metrics,
    )


class Told(responses.JsonRelay):
    """What the provider says of a response, or that it is gone."""

    __slots__ = ("ended",)

    def __init__(self, headers: Headers, failure: Words) -> None:
        super().__init__(headers, failure)
        self.ended: Ended | None = None  # how the response ended, if it says so

    def _written(self, answer: Json, body: bytes) -> bytes:
        self.usage = _NOTHING
        self.ended = ended(answer)
        if self.ended is not None:
            self.made = made(answer)  # what it left can be named from now on
        return body


class ToldAgain(responses.StreamRelay):
    """A response's stream, told again or to its end."""

    __slots__ = ("ended",)

    def __init__(self, headers: Headers) -> None:
        super().__init__(headers)
        self.ended: Ended | None = None

    def _passed(self, run: bytes) -> bytes:
        out = super()._passed(run)
        self.content_events = 0
        return out

    def _read_event(self, event: Json) -> None:
        """However the response ended, it was told to its end."""
        self.usage = _NOTHING
        if event.get("type") in _LAST:
            self.complete = True
            self.ended = ended(event.get("response") or {})
        elif event.get("type") in (None, "error"):
            super()._read_event(event)

    def _streamed(self, answer: Json, *, large: bool) -> bytes:
        self.usage = _NOTHING
        return retold(answer, large=large)
