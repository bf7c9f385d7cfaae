"""Messages answers on their way to a messages client: the provider's bytes, read for what is to be booked."""

from adapters.call import Call, Headers
from adapters.chat import Argued, Event, Json, Said
from adapters.dialects import relaying, sse
from adapters.dialects.messages.answer import read_answer, read_finish, write_error
from adapters.dialects.messages.events import StreamWriter
from adapters.dialects.messages.reading import StreamReader
from adapters.dialects.messages.stored import made
from adapters.dialects.messages.usage import booked_usage
from adapters.dialects.relaying import event_object
from adapters.dialects.translation import events_of, told
from adapters.errors import StreamCut


def relay(call: Call, headers: Headers) -> "JsonRelay | StreamRelay":
    """The way back for a 2xx answer to a messages request; `headers` are the provider's."""
    return StreamRelay(headers) if call.stream else JsonRelay(headers, write_error)


class JsonRelay(relaying.JsonRelay):
    """An unstreamed answer, passed on byte for byte once it is whole."""

    __slots__ = ()

    def _written(self, answer: Json, body: bytes) -> bytes:
        note_whole(self, answer)
        return body


class StreamRelay(relaying.StreamRelay):
    """A streamed answer, passed on byte for byte."""

    __slots__ = ("_reader",)

    def __init__(self, headers: Headers) -> None:
        super().__init__(headers)
        self._reader = StreamReader()

    def failure(self, message: str) -> bytes:
        return StreamWriter().failure(message)

    def _passed(self, run: bytes) -> bytes:
        reader = self._reader
        for event in sse.split(run):
            data = sse.payload(event)
            if data is not None and not reader.complete:
                self.content_events += carries(reader.read(event_object(data)))
        self.usage, self.error, self.finish_reason = reader.usage, reader.error, reader.finish_reason
        self.made = reader.made
        self.complete = reader.complete and reader.error is None
        return run

    def _streamed(self, answer: Json, *, large: bool) -> bytes:
        note_whole(self, answer)
        if self.error is not None:
            return self.failure(self.error)
        return told(StreamWriter(), list(events_of(read_answer(answer))), large=large)

    def _ending(self) -> bytes:
        if not self._reader.ended:
            raise StreamCut("the provider's stream ended before the answer did")
        return b""


def note_whole(relay: relaying.Counters, answer: Json) -> None:
    """Take the counters from a whole answer."""
    error = answer.get("error")
    if answer.get("type") == "error" or error:
        relay.error = str(error.get("message")) if isinstance(error, dict) else "the provider sent an error"
        return
    usage = answer.get("usage")
    if isinstance(usage, dict):
        relay.usage = booked_usage(usage)
    relay.content_events = relay.usage.generated
    relay.finish_reason = read_finish(answer.get("stop_reason"))
    relay.made = made(answer)


def carries(events: list[Event]) -> bool:
    """Whether events hold something the model generated."""
    return any(isinstance(event, Said | Argued) for event in events)
