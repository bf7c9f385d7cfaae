"""Responses on their way to a responses client: the provider's bytes, read only where they must be."""

import re
from typing import Any, Final

from adapters.call import Call, Headers
from adapters.chat import Json
from adapters.dialects import relaying, sse
from adapters.dialects.chat.answer import write_error
from adapters.dialects.relaying import Counters, event_object
from adapters.dialects.responses.answer import read_error, read_finish
from adapters.dialects.responses.events import Numbered
from adapters.dialects.responses.retelling import retold
from adapters.dialects.responses.stored import made
from adapters.dialects.responses.usage import read_usage
from adapters.errors import StreamCut

_delta = re.compile(rb"event: response\.\w+\.delta\n").match
_number = re.compile(rb'"sequence_number"\s*:\s*(\d+)').findall
_CLEAN: Final = frozenset({"response.completed", "response.incomplete"})


def relay(call: Call, headers: Headers) -> "JsonRelay | StreamRelay":
    """The way back for a 2xx answer to a responses request; `headers` are the provider's."""
    return StreamRelay(headers) if call.stream else JsonRelay(headers, write_error)


class JsonRelay(relaying.JsonRelay):
    """An unstreamed answer, passed on byte for byte once it is whole."""

    __slots__ = ()

    def _written(self, answer: Json, body: bytes) -> bytes:
        note_whole(self, answer)
        return body


class StreamRelay(relaying.StreamRelay):
    """A streamed answer, passed on byte for byte. No event is parsed that is named a delta; it is complete at the
    dialect's own last event, and nowhere else."""

    __slots__ = ("_events", "_numbered")

    def __init__(self, headers: Headers) -> None:
        super().__init__(headers)
        self._events = 0
        self._numbered = b""  # the newest event that may carry a number

    def failure(self, message: str) -> bytes:
        numbers = _number(self._numbered)
        return Numbered(int(numbers[-1]) + 1 if numbers else self._events).failure(message)

    def _passed(self, run: bytes) -> bytes:
        for event in sse.split(run):
            if _delta(event):
                self.content_events += 1
                self._note_event(event)
                continue
            data = sse.payload(event)
            if data is None or data.strip() == b"[DONE]":
                continue
            self._note_event(event)
            self._read_event(event_object(data))
        return run

    def _note_event(self, event: bytes) -> None:
        self._events += 1
        self._numbered = event

    def _read_event(self, event: Json) -> None:
        kind, response = event.get("type"), event.get("response")
        if isinstance(response, dict):
            _note(self, response)
        if kind in _CLEAN:
            self.complete = self.error is None
        elif kind == "response.failed":
            self.error = self.error or "the provider ended the response as failed"
        elif kind == "error" or (kind is None and event.get("error")):
            self.error = _words(event)
        elif isinstance(kind, str) and kind.endswith(".delta"):  # of a provider that names no events
            self.content_events += 1

    def _streamed(self, answer: Json, *, large: bool) -> bytes:
        note_whole(self, answer)
        if self.error is not None and answer.get("object") != "response":
            return self.failure(self.error)
        return retold(answer, large=large)

    def _ending(self) -> bytes:
        raise StreamCut("the provider's stream ended before the answer did")


def note_whole(relay: Counters, response: Json) -> None:
    """Take the counters from a whole response."""
    _note(relay, response)
    relay.content_events = relay.usage.generated


def _note(relay: Counters, response: Json) -> None:
    """Take usage, finish, error, engine metrics and ids from a response, whole or in the making."""
    usage = read_usage(response.get("usage"), response.get("service_tier"))
    if usage.source == "reported":
        relay.usage = usage
    relay.finish_reason = read_finish(response)
    relay.error = relay.error or read_error(response)
    relay.made = made(response)
    metrics = response.get("metrics")
    if isinstance(metrics, dict):
        relay.metrics = {
            key: float(value) for key, value in metrics.items() if isinstance(value, int | float)
        }


def _words(event: Json) -> str:
    """What an error event says, in its nested or its flat form."""
    error: Any = event.get("error") or event
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or "the provider sent an error")
    return str(error)
