"""Chat answers on their way to a chat client: the provider's bytes, read only where they must be."""

import re
from typing import Any, ClassVar

import orjson

from adapters.call import Call, Headers
from adapters.chat import Json
from adapters.dialects import relaying, sse
from adapters.dialects.chat.answer import failed, write_error
from adapters.dialects.chat.stored import made
from adapters.dialects.chat.usage import read_usage
from adapters.dialects.pieces import large_json
from adapters.dialects.relaying import Counters, event_object
from adapters.document import AT_ONCE
from adapters.errors import StreamCut
from adapters.stretches import joined

_null_usage = re.compile(rb',\s*"usage"\s*:\s*null|"usage"\s*:\s*null\s*,\s*')
Marks = tuple[bytes, tuple[bytes, ...]]  # what generated content begins with: nearly always, and else


def relay(call: Call, headers: Headers) -> "JsonRelay | StreamRelay":
    """The way back for a 2xx answer to a chat request; `headers` are the provider's."""
    return StreamRelay(call, headers) if call.stream else JsonRelay(headers, write_error)


class JsonRelay(relaying.JsonRelay):
    """An unstreamed answer, passed on byte for byte once it is whole."""

    __slots__ = ()

    def _written(self, answer: Json, body: bytes) -> bytes:
        note_whole(self, answer)
        return body


class StreamRelay(relaying.StreamRelay):
    """A streamed answer. No event is parsed that carries nothing but content."""

    __slots__ = ("_answers", "_finished", "_strip")

    marks: ClassVar[Marks] = (
        b'"content":"',
        (b'"arguments":"', b'"reasoning_content":"', b'"reasoning":"', b'"refusal":"'),
    )

    def __init__(self, call: Call, headers: Headers, answers: int | None = None) -> None:
        super().__init__(headers)
        self._strip = not call.wants_usage  # Weir asked for the usage, the client did not
        self._answers: int = answers or call.document.values.get("n") or 1
        self._finished: set[int] = set()

    def failure(self, message: str) -> bytes:
        return b"data: " + write_error(message) + b"\n\n"

    def _passed(self, run: bytes) -> bytes:
        if len(run) > AT_ONCE:
            return self._passed_long(run)
        if self._strip and b'"usage"' in run:
            run = run.replace(b',"usage":null', b"")  # the usual spelling, many times faster than the pattern
            if b'"usage"' in run:
                run = _null_usage.sub(b"", run)
        if count := _content_only(run, self.marks):
            self.content_events += count
            return run
        return b"".join([event for event in sse.split(run) if self._keeps(event)])

    def _passed_long(self, run: bytes) -> bytes:
        """As `_passed`; a long event keeps a `usage` that is null."""
        out: list[bytes] = []
        for event in sse.split(run):
            if len(event) <= AT_ONCE:
                out.append(self._passed(event))
            elif self._keeps(event):
                out.append(event)
        return b"".join(out)

    def _keeps(self, event: bytes) -> bool:
        """Read an event; True if the client gets it too."""
        if len(event) <= AT_ONCE and _content_only(event, self.marks):
            self.content_events += 1
            return True
        data = sse.payload(event)
        if data is None:
            return True
        if data.strip() == b"[DONE]":
            self.complete = self.error is None
            return self.complete
        chunk = event_object(data)
        _note(self, chunk)
        if event.startswith(b"event: error") and self.error is None:
            self.error = _words(chunk)
        choices = chunk.get("choices")
        if isinstance(choices, list):
            self._note_choices([choice for choice in choices if isinstance(choice, dict)])
        return not (self._strip and choices == [] and chunk.get("usage") is not None)

    def _note_choices(self, choices: list[Json]) -> None:
        self.content_events += any(self._carries(choice) for choice in choices)
        for choice in choices:
            _note_made(self, choice.get("delta"))
            if choice.get("finish_reason") is not None:
                self.finish_reason = choice["finish_reason"]
                self._finished.add(choice.get("index") or 0)
                self.error = self.error or failed(self.finish_reason)

    def _streamed(self, answer: Json, *, large: bool) -> bytes:
        note_whole(self, answer)
        if self.error is not None:
            return b"".join(_event(answer, large=large))
        usage = answer.pop("usage", None)
        chunks = [self._as_chunk(answer)]
        if not self._strip:
            chunks.append({**chunks[0], "choices": [], "usage": usage})
        parts = [part for chunk in chunks for part in _event(chunk, large=large)]
        parts.append(b"data: [DONE]\n\n")
        return joined(parts) if large else b"".join(parts)

    def _carries(self, choice: Json) -> bool:
        """Whether a choice of a chunk holds something the model generated."""
        delta = choice.get("delta")
        return isinstance(delta, dict) and any(value and key != "role" for key, value in delta.items())

    def _as_chunk(self, answer: Json) -> Json:
        """A whole answer as the one chunk of a stream."""
        choices = [_as_delta(choice) for choice in answer.get("choices") or ()]
        return {**answer, "object": "chat.completion.chunk", "choices": choices}

    def _ending(self) -> bytes:
        if len(self._finished) < self._answers:
            raise StreamCut("the provider's stream ended before the answer did")
        return b""


def _event(chunk: Json, *, large: bool) -> list[bytes]:
    """A chunk as an event, in parts."""
    return [b"data: ", *(large_json(chunk) if large else (orjson.dumps(chunk),)), b"\n\n"]


def _content_only(run: bytes, marks: Marks) -> int:
    """How many events a run has, if all carry generated content and nothing else Weir must read; else 0.

    Only bytes are compared: inside a JSON string every quote is escaped, so the text of an answer cannot look
    like a key. What is not recognised here (other spacing, empty deltas, comments) is parsed event by event.
    """
    events = run.count(b"\n\n")
    ordinary = (
        run.startswith(b"data: {")
        and run.count(b"\n\ndata: {") == events - 1
        and b'"usage"' not in run
        and b'"error"' not in run
        and b'":""' not in run
        and run.count(b'"finish_reason"') == run.count(b'"finish_reason":null')
        and (run.count(marks[0]) or sum(run.count(mark) for mark in marks[1])) == events
    )
    return events if ordinary else 0


def _note(relay: Counters, message: Json) -> None:
    """Take usage, engine metrics and an error from an answer or a chunk."""
    counted = message.get("usage") or (message.get("x_groq") or {}).get("usage")
    usage = read_usage(counted, message.get("service_tier"))
    if usage.source == "reported":
        relay.usage = usage
    metrics = message.get("metrics")
    if isinstance(metrics, dict):
        relay.metrics = {
            key: float(value) for key, value in metrics.items() if isinstance(value, int | float)
        }
    error = message if message.get("object") == "error" else message.get("error")  # vLLM worded it so once
    if error:
        relay.error = _words(error)


def note_whole(relay: Counters, answer: Json) -> None:
    """The same, and how a whole answer finished."""
    _note(relay, answer)
    choices = answer.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        relay.finish_reason = choices[0].get("finish_reason")
        relay.content_events = relay.usage.generated
        relay.error = relay.error or failed(relay.finish_reason)
        for choice in choices:
            _note_made(relay, choice.get("message"))


def _note_made(relay: Counters, message: Any) -> None:
    if isinstance(message, dict) and (message.get("audio") or message.get("annotations")):
        relay.made = tuple(dict.fromkeys((*relay.made, *made(message))))


def _as_delta(choice: Json) -> Json:
    """A whole choice as the one delta of a stream."""
    message = dict(choice.get("message") or {})
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        message["tool_calls"] = [{"index": i, **call} for i, call in enumerate(calls)]
    return {**{key: value for key, value in choice.items() if key != "message"}, "delta": message}


def _words(error: Any) -> str:
    """What an error says, for our records."""
    if isinstance(error, dict):
        return str(error.get("message") or error.get("type") or "the provider sent an error")
    return str(error)
