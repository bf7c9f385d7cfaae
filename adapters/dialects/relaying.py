"""What every relay does alike: count, hold an unstreamed body, find events, tell a cut from an end."""

from abc import ABC, abstractmethod
from typing import Any, Final, Literal, Protocol

import orjson

from adapters import stretches
from adapters.call import Headers, header
from adapters.chat import UNKNOWN_USAGE, Json, TokenUsage
from adapters.dialects import sse
from adapters.document import AT_ONCE, Document, InvalidDocument
from adapters.errors import StreamCut, UpstreamError
from adapters.others import others
from adapters.unhurried import let_go_values, parse_in_slices

LONGEST_ANSWER: Final = 256 * 1024 * 1024  # bytes of an unstreamed answer

_READ_BY_ORJSON: Final = frozenset({"duplicate_key", "too_deep", "not_an_object"})
_EVENT_STREAM: Final = b"text/event-stream; charset=utf-8"


MISSHAPEN: Final = (
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
)  # what reading a value of the wrong kind raises


class Counters:
    """The state of the `Relay` contract. Raises UpstreamError at the first byte of a compressed answer: Weir asks
    for `identity`, and bytes it cannot read it cannot meter."""

    __slots__ = (
        "_compressed",
        "complaint",
        "complete",
        "content_events",
        "error",
        "finish_reason",
        "made",
        "metrics",
        "usage",
    )

    def __init__(self, headers: Headers) -> None:
        self.usage: TokenUsage = UNKNOWN_USAGE
        self.content_events = 0
        self.finish_reason: str | None = None
        self.error: str | None = None
        self.complaint = b""
        self.complete = False
        self.metrics: dict[str, float] | None = None
        self.made: tuple[str, ...] = ()
        self._compressed = header(headers, b"content-encoding") not in (None, b"identity", b"")

    @property
    def held(self) -> int:
        """Bytes of an event or an answer that is not whole yet."""
        return 0

    def _refuse_compressed(self) -> None:
        if self._compressed:
            raise UpstreamError(
                "protocol", "the provider compressed an answer that was asked for plain", sent=True
            )


class Body:
    """The bytes of an unstreamed answer while they come."""

    __slots__ = ("_length", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, data: bytes) -> None:
        self._pieces.append(data)
        self._length += len(data)
        if self._length > LONGEST_ANSWER:
            raise UpstreamError("protocol", f"the answer is longer than {LONGEST_ANSWER} bytes", sent=True)

    def take(self) -> bytes:
        if self._length > AT_ONCE:
            body = stretches.joined(self._pieces)
        else:
            body = b"".join(self._pieces)
            self._pieces.clear()
        self._length = 0
        return body


class Words(Protocol):
    """How a dialect tells its client that an answer failed."""

    def __call__(self, message: str) -> bytes: ...


class JsonRelay(Counters, ABC):
    """An unstreamed answer: held until it is whole. `_written` turns it into the client's."""

    __slots__ = ("_body", "_content_type", "_failure")

    def __init__(self, headers: Headers, failure: Words) -> None:
        super().__init__(headers)
        self._content_type = header(headers, b"content-type") or b"application/json"
        self._body = Body()
        self._failure = failure

    @property
    def held(self) -> int:
        return len(self._body)

    def headers(self) -> Headers:
        return ((b"content-type", self._content_type),)

    def feed(self, data: bytes) -> bytes:
        self._refuse_compressed()
        self._body.add(data)
        return b""

    def finish(self) -> bytes:
        body = self._body.take()
        answer = whole_object(body)
        try:
            written = self._written(answer, body)
        except MISSHAPEN as error:
            raise _misshapen() from error
        self.complete = self.error is None
        if (
            not self.complete and answer.get("object") != "response"
        ):  # one that failed is an answer in its dialect
            self.complaint = body
        if len(body) > AT_ONCE:
            _let_go(answer)
        return written

    def failure(self, message: str) -> bytes:
        return self._failure(message)

    @abstractmethod
    def _written(self, answer: Json, body: bytes) -> bytes:
        """The client's bytes for a whole answer; sets the counters."""


class StreamRelay(Counters, ABC):
    """A streamed answer: whole events only, one piece of bytes a read.

    Some providers answer a streamed request with one JSON object, and some label a stream as JSON, so the first
    byte of the body tells what it is, not its content-type.
    """

    __slots__ = ("_came", "_content_type", "_frames", "_json")

    def __init__(self, headers: Headers) -> None:
        super().__init__(headers)
        given = header(headers, b"content-type") or b""
        self._content_type = given if given.startswith(b"text/event-stream") else _EVENT_STREAM
        self._frames = sse.Frames()
        self._json = Body()
        self._came: Literal["", "json", "events"] = ""

    def headers(self) -> Headers:
        return ((b"content-type", self._content_type), (b"cache-control", b"no-cache"))

    @property
    def held(self) -> int:
        return len(self._frames) + len(self._json)

    def feed(self, data: bytes) -> bytes:
        if self._came != "events" and not self._are_events(data):
            return b""
        run = self._frames.feed(data)
        return self._read(run) if run else b""

    def finish(self) -> bytes:
        if self._came == "json":
            body = self._json.take()
            answer = whole_object(body)
            try:
                written = self._streamed(answer, large=len(body) > AT_ONCE)
            except MISSHAPEN as error:
                raise _misshapen() from error
            self.complete = self.error is None
            if not self.complete and answer.get("object") != "response":
                self.complaint = body
            if len(body) > AT_ONCE:
                _let_go(answer)
            return written
        out = b""
        rest = self._frames.rest()
        if rest.strip():
            out = self._read(_closed(rest))
        if self.error is None and not self.complete:
            out += self._ending()
            self.complete = True
        return out

    def _read(self, run: bytes) -> bytes:
        try:
            out = self._passed(run)
        except MISSHAPEN as error:
            raise _misshapen() from error
        if self.error is not None:
            self.complaint = self.complaint or _complaint_in(run)
        return out

    def _are_events(self, data: bytes) -> bool:
        self._refuse_compressed()
        if not self._came:
            start = data.lstrip()[:1]
            if start:
                self._came = "json" if start == b"{" else "events"
        if self._came == "json":
            self._json.add(data)
        return self._came == "events"

    @abstractmethod
    def _passed(self, run: bytes) -> bytes:
        """The client's bytes for a run of whole events; sets the counters."""

    @abstractmethod
    def _streamed(self, answer: Json, *, large: bool) -> bytes:
        """The whole stream for an answer that came as one JSON object, on a thread where that is `large`; sets the
        counters."""

    @abstractmethod
    def _ending(self) -> bytes:
        """What is left to say where the provider ended without its last word. Raises StreamCut if the answer
        itself is not known to be whole."""


def whole_object(body: bytes) -> Json:
    """The JSON object an answer or an event is. Raises StreamCut if it is not all there. A large one is read in a
    thread, with others."""
    try:
        answer = orjson.loads(body) if len(body) <= AT_ONCE else _unhurried(body)
    except orjson.JSONDecodeError:
        raise StreamCut("the provider's answer is not whole JSON") from None
    if not isinstance(answer, dict):
        raise UpstreamError("protocol", "the provider's answer is not a JSON object", sent=True)
    return answer


def _unhurried(body: bytes) -> Any:
    """What orjson reads of a large body, read in slices. Raises its error."""
    slices = parse_in_slices(body)
    try:
        while True:
            next(slices)
            others()
    except StopIteration as done:
        document: Document = done.value
        return document.values
    except InvalidDocument as fault:
        if fault.fault in _READ_BY_ORJSON:
            return orjson.loads(body)
        raise orjson.JSONDecodeError(str(fault), "", 0) from None


def _let_go(answer: Json) -> None:
    """Free what was read of a large answer, a little at a time."""
    for _ in let_go_values(answer):
        others()


def event_object(data: bytes) -> Json:
    """The JSON object a whole event holds. Raises UpstreamError if it does not."""
    try:
        return whole_object(data)
    except StreamCut:
        raise UpstreamError("protocol", "an event of the provider's stream is not JSON", sent=True) from None


def _complaint_in(run: bytes) -> bytes:
    """The event that is an error, of a run that has one; empty where it is told otherwise."""
    for event in sse.split(run):
        data = sse.payload(event)
        if data is not None and data.strip() != b"[DONE]":
            told = event_object(data)
            if told.get("error") or "error" in (told.get("type"), told.get("object")):
                return data
    return b""


def _misshapen() -> UpstreamError:
    return UpstreamError("protocol", "the provider's answer is not shaped as its dialect says", sent=True)


def _closed(rest: bytes) -> bytes:
    """The last event of a stream that ended without its blank line. Raises StreamCut if it is not whole."""
    data = sse.payload(rest)
    if data is not None and data.strip() != b"[DONE]":
        whole_object(data)
    end = b"\r\n" if rest.endswith(b"\r\n") else b"\n"
    return rest.rstrip(b"\r\n") + end * 2
