"""An answer to a redacted request on its way through: in the client's dialect, with the values put back."""

import re
from typing import Final

import orjson

from adapters.call import Headers, Relay
from adapters.chat import Json, TokenUsage
from adapters.dialects import sse
from adapters.dialects.encoding import to_json
from adapters.dialects.ingress import INGRESS
from adapters.dialects.pieces import to_body
from adapters.dialects.relaying import MISSHAPEN, whole_object
from adapters.document import AT_ONCE
from adapters.errors import UpstreamError
from adapters.redacting import RedactedCall
from adapters.restoring.events import MENDERS
from adapters.restoring.values import Values

_JSON: Final = frozenset({"json_schema", "json_object"})
_LAST_WORDS: Final = b"[DONE]"
_NAMED: Final = re.compile(rb"^event:([^\r\n]*)", re.MULTILINE)


class Restoring:
    """A relay around another, in the client's own dialect: it restores what that one gives out."""

    __slots__ = ("_frames", "_mender", "_relay", "_stream", "_values")

    def __init__(self, relay: Relay, redacted: RedactedCall) -> None:
        call = redacted.call
        json_text = not _JSON.isdisjoint(INGRESS[call.dialect].needs(call.document.values))
        self._relay = relay
        self._stream = call.stream
        self._values = Values(redacted.values, json_text=json_text)
        self._mender = MENDERS[call.dialect](self._values)
        self._frames = sse.Frames()

    @property
    def usage(self) -> TokenUsage:
        return self._relay.usage

    @property
    def content_events(self) -> int:
        return self._relay.content_events

    @property
    def finish_reason(self) -> str | None:
        return self._relay.finish_reason

    @property
    def error(self) -> str | None:
        return self._relay.error

    @property
    def complaint(self) -> bytes:
        return self._relay.complaint

    @property
    def complete(self) -> bool:
        return self._relay.complete

    @property
    def metrics(self) -> dict[str, float] | None:
        return self._relay.metrics

    @property
    def made(self) -> tuple[str, ...]:
        return self._relay.made

    @property
    def held(self) -> int:
        return self._relay.held + len(self._frames)

    def headers(self) -> Headers:
        return self._relay.headers()

    def feed(self, data: bytes) -> bytes:
        out = self._relay.feed(data)
        return self._events(out) if out else out

    def finish(self) -> bytes:
        out = self._relay.finish()
        if not self._stream:
            return self._whole(out)
        return self._events(out) + b"".join(map(_written, self._mender.ending())) + self._frames.rest()

    def failure(self, message: str) -> bytes:
        return self._relay.failure(message)

    def _whole(self, body: bytes) -> bytes:
        try:
            answer = whole_object(body)
            restored = self._values.restored(answer)
        except MISSHAPEN as error:
            raise _misshapen() from error
        return body if restored == answer else bytes(to_body(restored, large=len(body) > AT_ONCE))

    def _events(self, out: bytes) -> bytes:
        try:
            return b"".join(map(self._event, sse.split(self._frames.feed(out))))
        except MISSHAPEN as error:
            raise _misshapen() from error

    def _event(self, event: bytes) -> bytes:
        data = sse.payload(event)
        if data is None:
            return event
        if data.strip() == _LAST_WORDS:
            return b"".join([*map(_written, self._mender.ending()), event])
        told = orjson.loads(data)
        if not isinstance(told, dict):
            return event
        *before, last = self._mender.mend(told)
        name = _name(event)
        named = [_written(each, str(each["type"]).encode() if name else b"") for each in before]
        return b"".join([*named, _written(last, name)])


def _name(event: bytes) -> bytes:
    """What the event is called; empty where it has no name."""
    match = _NAMED.search(event)
    return match[1].strip() if match else b""


def _written(event: Json, name: bytes = b"") -> bytes:
    head = b"event: " + name + b"\n" if name else b""
    return head + b"data: " + to_json(event) + b"\n\n"


def _misshapen() -> UpstreamError:
    return UpstreamError("protocol", "the provider's answer is not shaped as its dialect says", sent=True)
