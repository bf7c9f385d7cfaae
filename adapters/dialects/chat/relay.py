"""Chat answers on their way to a chat client: the provider's bytes, read only where they must be."""

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from adapters.call import Call, Headers, header
from adapters.chat import TokenUsage
from adapters.dialects import sse
from adapters.dialects.chat.usage import read_usage
from adapters.errors import StreamCut, UpstreamError

LONGEST_ANSWER: Final = 256 * 1024 * 1024  # bytes of an unstreamed answer

_EVENT_STREAM: Final = (b"content-type", b"text/event-stream; charset=utf-8")
_null_usage = re.compile(rb',\s*"usage"\s*:\s*null|"usage"\s*:\s*null\s*,')
_CONTENT: Final = b'"content":"'
_OTHER_CONTENT: Final = (b'"arguments":"', b'"reasoning_content":"', b'"reasoning":"', b'"refusal":"')


def relay(call: Call, headers: Headers) -> "JsonRelay | SseRelay":
    """The way back for a 2xx answer to a chat request; `headers` are the provider's."""
    return SseRelay(call, headers) if call.stream else JsonRelay(headers)


class Answer:
    """What both relays know of the answer so far: the counters of the `Relay` contract."""

    __slots__ = ("_encoding", "complete", "content_events", "error", "finish_reason", "metrics", "usage")

    def __init__(self, headers: Headers) -> None:
        self.usage = TokenUsage()
        self.content_events = 0
        self.finish_reason: str | None = None
        self.error: str | None = None
        self.complete = False
        self.metrics: dict[str, float] | None = None
        self._encoding = header(headers, b"content-encoding") not in (None, b"identity", b"")

    def _refuse_encoding(self) -> None:
        """Weir asks for `identity`; bytes it cannot read it cannot meter."""
        if self._encoding:
            raise UpstreamError(
                "protocol", "the provider compressed an answer that was asked for plain", sent=True
            )

    def _note(self, message: dict[str, Any]) -> None:
        """Take usage, engine metrics and an error from an answer or a chunk."""
        if message.get("usage") is not None:
            usage = read_usage(message["usage"])
            if usage.source == "reported":
                self.usage = usage
        metrics = message.get("metrics")
        if isinstance(metrics, dict):
            self.metrics = {
                key: float(value) for key, value in metrics.items() if isinstance(value, int | float)
            }
        error = message.get("error")
        if error is not None and error is not False:
            self.error = _words(error)
        elif message.get("object") == "error":  # as vLLM worded it once
            self.error = _words(message)


class JsonRelay(Answer):
    """An unstreamed answer: held until it is whole, then passed on byte for byte."""

    __slots__ = ("_content_type", "_length", "_pieces")

    def __init__(self, headers: Headers) -> None:
        super().__init__(headers)
        self._content_type = header(headers, b"content-type") or b"application/json"
        self._pieces: list[bytes] = []
        self._length = 0

    def headers(self) -> Headers:
        return ((b"content-type", self._content_type),)

    def feed(self, data: bytes) -> bytes:
        self._refuse_encoding()
        self._pieces.append(data)
        self._length += len(data)
        if self._length > LONGEST_ANSWER:
            raise UpstreamError("protocol", f"the answer is longer than {LONGEST_ANSWER} bytes", sent=True)
        return b""

    def finish(self) -> bytes:
        body = b"".join(self._pieces)
        self._pieces.clear()
        answer = whole_object(body)
        self._note(answer)
        choices = answer.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            self.finish_reason = choices[0].get("finish_reason")
            self.content_events = self.usage.generated
        self.complete = self.error is None
        return body

    def failure(self, message: str) -> bytes:
        return error_body(message)


class SseRelay(Answer):
    """A streamed answer: whole events only, at most one piece of bytes a read, and no event parsed that
    carries nothing but content."""

    __slots__ = ("_answers", "_finished", "_frames", "_headers", "_json", "_strip")

    def __init__(self, call: Call, headers: Headers) -> None:
        super().__init__(headers)
        self._strip = not call.wants_usage  # Weir asked for the usage, the client did not
        self._answers: int = call.document.values.get("n") or 1
        self._finished: set[int] = set()
        self._frames = sse.Frames()
        self._json: JsonRelay | bool | None = False  # False until the first byte shows what came
        self._headers = headers

    def headers(self) -> Headers:
        given = header(self._headers, b"content-type") or b""
        stream = (b"content-type", given) if given.startswith(b"text/event-stream") else _EVENT_STREAM
        return (stream, (b"cache-control", b"no-cache"))

    def feed(self, data: bytes) -> bytes:
        if self._json is not None and (plain := self._plain(data)) is not None:
            plain.feed(data)
            return b""
        run = self._frames.feed(data)
        return self._pass(run) if run else b""

    def finish(self) -> bytes:
        if isinstance(self._json, JsonRelay):
            return self._as_events(self._json)
        out = b""
        rest = self._frames.rest()
        if rest.strip():
            out = self._pass(_closed(rest))
        if self.error is None and not self.complete:
            if len(self._finished) < self._answers:
                raise StreamCut("the provider's stream ended before the answer did")
            self.complete = True
        return out

    def failure(self, message: str) -> bytes:
        return b"data: " + error_body(message) + b"\n\n"

    def _plain(self, data: bytes) -> JsonRelay | None:
        """Some providers answer a streamed request with one JSON object, some label a stream as JSON:
        the first byte tells."""
        if self._json is False:
            self._refuse_encoding()
            start = data.lstrip()[:1]
            if not start:
                return None
            self._json = JsonRelay(self._headers) if start == b"{" else None
        return self._json if isinstance(self._json, JsonRelay) else None

    def _pass(self, run: bytes) -> bytes:
        """The client's bytes for a run of whole events."""
        if self._strip and b'"usage"' in run:
            run = run.replace(b',"usage":null', b"")  # the usual spelling, many times faster than the pattern
            if b'"usage"' in run:
                run = _null_usage.sub(b"", run)
        kept: list[bytes] | None = None
        events = sse.split(run)
        for i, event in enumerate(events):
            if _is_content(event):
                self.content_events += 1
            elif not self._special(event):
                if kept is None:
                    kept = events[:i]
                continue
            if kept is not None:
                kept.append(event)
        return run if kept is None else b"".join(kept)

    def _special(self, event: bytes) -> bool:
        """Read an event that may carry more than content; True if the client gets it too."""
        data = sse.payload(event)
        if data is None:
            return True
        if data.strip() == b"[DONE]":
            self.complete = self.error is None
            return self.complete
        chunk = _object(data)
        self._note(chunk)
        choices = chunk.get("choices")
        if isinstance(choices, list):
            self._note_choices(choice for choice in choices if isinstance(choice, dict))
        return not (self._strip and choices == [] and chunk.get("usage") is not None)

    def _note_choices(self, choices: Iterator[dict[str, Any]]) -> None:
        carried = False
        for choice in choices:
            carried = carried or _carries(choice.get("delta"))
            if choice.get("finish_reason") is not None:
                self.finish_reason = choice["finish_reason"]
                self._finished.add(choice.get("index") or 0)
        self.content_events += carried

    def _as_events(self, plain: JsonRelay) -> bytes:
        """One whole answer as the stream the client asked for."""
        answer = orjson.loads(plain.finish())
        for counter in ("usage", "content_events", "finish_reason", "error", "complete", "metrics"):
            setattr(self, counter, getattr(plain, counter))
        if self.error is not None:
            return b"data: " + orjson.dumps(answer) + b"\n\n"
        usage = answer.pop("usage", None)
        answer["object"] = "chat.completion.chunk"
        chunks = [{**answer, "choices": [_as_delta(choice) for choice in answer.get("choices") or ()]}]
        if not self._strip:
            chunks.append({**answer, "choices": [], "usage": usage})
        return b"".join(b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"


def error_body(message: str, kind: str = "api_error", code: str | None = None) -> bytes:
    """An error as OpenAI words it."""
    return orjson.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})


def whole_object(body: bytes) -> dict[str, Any]:
    """The JSON object an unstreamed answer is. Raises StreamCut if it is not all there."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise StreamCut("the provider's answer is not whole JSON") from None
    if not isinstance(answer, dict):
        raise UpstreamError("protocol", "the provider's answer is not a JSON object", sent=True)
    return answer


def _object(data: bytes) -> dict[str, Any]:
    try:
        chunk = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise UpstreamError("protocol", "an event of the provider's stream is not JSON", sent=True) from None
    if not isinstance(chunk, dict):
        raise UpstreamError("protocol", "an event of the provider's stream is not a JSON object", sent=True)
    return chunk


def _is_content(event: bytes) -> bool:
    """Whether the event carries generated content and nothing else Weir must read. Only bytes are compared:
    inside a JSON string every quote is escaped, so the text of an answer cannot look like a key. What is
    not recognised here (other spacing, empty deltas) is parsed."""
    return (
        (_CONTENT in event or any(mark in event for mark in _OTHER_CONTENT))
        and b'":""' not in event
        and event.count(b'"finish_reason"') == event.count(b'"finish_reason":null')
        and b'"usage"' not in event
        and b'"error"' not in event
        and event.startswith(b"data: {")
    )


def _carries(delta: object) -> bool:
    """Whether a delta holds something the model generated."""
    if not isinstance(delta, dict):
        return False
    return any(value and key != "role" for key, value in delta.items())


def _as_delta(choice: dict[str, Any]) -> dict[str, Any]:
    """A whole choice as the one delta of a stream."""
    message = dict(choice.get("message") or {})
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        message["tool_calls"] = [{"index": i, **call} for i, call in enumerate(calls)]
    return {**{key: value for key, value in choice.items() if key != "message"}, "delta": message}


def _closed(rest: bytes) -> bytes:
    """The last event of a stream that ended without its blank line. Raises StreamCut if it is not whole."""
    data = sse.payload(rest)
    if data is not None and data.strip() != b"[DONE]":
        whole_object(data)
    end = b"\r\n" if rest.endswith(b"\r\n") else b"\n"
    return rest.rstrip(b"\r\n") + end * 2


def _words(error: object) -> str:
    """What an error says, for our records."""
    if isinstance(error, dict):
        return str(error.get("message") or error.get("type") or "the provider sent an error")
    return str(error)
