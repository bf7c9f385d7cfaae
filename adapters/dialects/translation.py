"""Answers on their way to a client of another dialect: decoded to canonical form and written anew."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

from adapters.call import Call, Headers
from adapters.chat import (
    Answer,
    Argued,
    Aside,
    Begun,
    Called,
    Ended,
    Event,
    Json,
    Request,
    Said,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
    Whole,
)
from adapters.dialects import relaying, sse
from adapters.dialects.encoding import to_json
from adapters.dialects.pieces import large_json, let_go
from adapters.dialects.relaying import Counters, Words, event_object
from adapters.document import AT_ONCE
from adapters.errors import StreamCut, Unsupported
from adapters.others import others
from adapters.stretches import joined

_PIECE: Final = 64 * 1024  # characters


class Reader(Protocol):
    """A provider's stream, read."""

    usage: TokenUsage  # what to book
    error: str | None
    finish_reason: str | None
    complete: bool  # the dialect's own last word came
    says_done: ClassVar[bool]  # whether that is `[DONE]`, which no reader sees

    @property
    def ended(self) -> bool:
        """Whether the finish is known."""

    def read(self, event: Json) -> list[Event]:
        """What one event tells."""

    def ending(self) -> Ended:
        """How the answer ends."""


class Writer(Protocol):
    """A client's stream, written."""

    def write(self, events: list[Event]) -> bytes:
        """The client's bytes for some events."""

    def failure(self, message: str) -> bytes:
        """An error in the middle of the stream."""


@dataclass(frozen=True, slots=True)
class Translation:
    """One pair of dialects, for one answer."""

    note: Callable[[Counters, Json], None]  # takes the counters from a provider's whole answer
    read: Callable[[Json], Answer]
    write: Callable[[Answer], Json]
    failure: Words  # an unstreamed error for the client
    reader: Callable[[], Reader]
    writer: Callable[[], Writer]


def rebuilt(call: Call, read: Callable[[Json], Request], write: Callable[[Request], Json]) -> Json:
    """The body of a request in another dialect. Raises Unsupported, also for values of the wrong kind: the
    provider, who would say what is wrong, cannot be asked."""
    try:
        request = read(call.document.values)
        written = write(request)
        if call.large:
            turns = list(request.turns)
            del request
            let_go(turns)
    except relaying.MISSHAPEN:
        raise Unsupported(
            "body", f"the request is not shaped as {call.dialect} requests are, so it cannot be carried over"
        ) from None
    return written


def relay(call: Call, headers: Headers, translation: Translation) -> "JsonRelay | StreamRelay":
    """The way back for a 2xx answer of another dialect; `headers` are the provider's."""
    return StreamRelay(headers, translation) if call.stream else JsonRelay(headers, translation)


class JsonRelay(relaying.JsonRelay):
    """An unstreamed answer, written anew."""

    __slots__ = ("_translation",)

    def __init__(self, headers: Headers, translation: Translation) -> None:
        super().__init__(headers, translation.failure)
        self._content_type = b"application/json"
        self._translation = translation

    def _written(self, answer: Json, body: bytes) -> bytes:
        self._translation.note(self, answer)
        if self.error is not None:
            return self.failure(self.error)
        read = self._translation.read(answer)
        self.finish_reason = read.finish
        written = self._translation.write(read)
        return to_json(written) if len(body) <= AT_ONCE else joined(large_json(written))


class StreamRelay(relaying.StreamRelay):
    """A streamed answer, written anew event by event."""

    __slots__ = ("_reader", "_translation", "_writer")

    def __init__(self, headers: Headers, translation: Translation) -> None:
        super().__init__(headers)
        self._translation = translation
        self._reader = translation.reader()
        self._writer = translation.writer()

    def failure(self, message: str) -> bytes:
        return self._writer.failure(message)

    def _passed(self, run: bytes) -> bytes:
        out: list[bytes] = []
        for event in sse.split(run):
            data = sse.payload(event)
            if data is None or self.error is not None or self.complete:
                continue
            out.append(self._event(data))
        reader = self._reader
        self.usage, self.finish_reason = reader.usage, reader.finish_reason
        return b"".join(out)

    def _event(self, data: bytes) -> bytes:
        reader = self._reader
        if data.strip() == b"[DONE]":
            if not (reader.says_done or reader.ended):
                return b""  # no word of this dialect: the answer is not known to be whole
            self.complete = True
            return self._writer.write([reader.ending()])
        events = reader.read(event_object(data))
        if reader.error is not None:
            self.error = reader.error
            return self._writer.failure(reader.error)
        self.complete = reader.complete
        self.content_events += any(isinstance(event, Said | Argued) for event in events)
        return told(self._writer, events, large=len(data) > AT_ONCE)

    def _streamed(self, answer: Json, *, large: bool) -> bytes:
        self._translation.note(self, answer)
        if self.error is not None:
            return self.failure(self.error)
        read = self._translation.read(answer)
        self.finish_reason = read.finish
        return told(self._writer, list(events_of(read)), large=large)

    def _ending(self) -> bytes:
        if not self._reader.ended:
            raise StreamCut("the provider's stream ended before the answer did")
        return self._writer.write([self._reader.ending()])


def told(writer: Writer, events: list[Event], *, large: bool) -> bytes:
    """The client's bytes for some events; where they say much, they are told in pieces, with others."""
    if not large:
        return writer.write(events)
    return joined([writer.write([event]) for event in _shorter(events)])


def events_of(answer: Answer) -> Iterator[Event]:
    """A whole answer as the events of a stream."""
    yield Begun(answer.id, answer.model)
    calls = 0
    for part in answer.parts:
        if isinstance(part, ToolCall):
            yield Called(calls, part.id, part.name)
            yield Argued(calls, part.arguments)
            calls += 1
        else:
            yield from _told(part)
    if answer.refusal:
        yield Said("refusal", answer.refusal)
    yield Ended(answer.finish or "stop", answer.stop_sequence, answer.usage)


def _shorter(events: list[Event]) -> Iterator[Event]:
    """The same told in pieces, where one is so long that to write it would hold others up."""
    for event in events:
        if isinstance(event, Said):
            for at in range(0, max(1, len(event.text)), _PIECE):
                yield Said(event.what, event.text[at : at + _PIECE])
                others()
        elif isinstance(event, Argued):
            for at in range(0, max(1, len(event.arguments)), _PIECE):
                yield Argued(event.index, event.arguments[at : at + _PIECE])
                others()
        else:
            yield event


def _told(part: Any) -> Iterator[Event]:
    if isinstance(part, Text):
        yield Said("text", part.text)
        if part.citations:
            yield Whole(part)
    elif isinstance(part, Thinking):
        if part.text:
            yield Said("thinking", part.text)
        if part.signature or part.redacted:
            yield Whole(part)
    elif isinstance(part, Aside):
        yield Whole(part)
