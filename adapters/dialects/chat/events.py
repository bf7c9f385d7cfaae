"""Canonical events as a chat stream."""

from collections.abc import Iterator
from typing import Final

from adapters.chat import Argued, Aside, Begun, Called, Ended, Event, Json, Kept, Said, Text, Thinking, Whole
from adapters.dialects.chat import legacy
from adapters.dialects.chat.answer import write_annotation, write_error, write_thinking
from adapters.dialects.chat.usage import write_usage
from adapters.dialects.encoding import to_json

_KEEP_ALIVE: Final = b": keep-alive\n\n"
_FIELDS: Final = {"text": "content", "thinking": "reasoning_content", "refusal": "refusal"}


class StreamWriter:
    """Writes one stream for a chat client. `created` in seconds since 1970; the usage chunk goes to those who asked.
    `old`: the client knows functions, and no tools."""

    __slots__ = ("_created", "_head", "_length", "_listed", "_old", "_wants_usage")

    def __init__(self, created: int, *, wants_usage: bool, old: bool = False) -> None:
        self._created = created
        self._old = old
        self._wants_usage = wants_usage
        self._head = _head("", "", created)  # what all chunks begin with
        self._length = 0  # of the text so far, in characters
        self._listed: dict[str, int] = {}  # how many entries each list of the message has so far

    def write(self, events: list[Event]) -> bytes:
        """The client's bytes for some events."""
        return b"".join(piece for event in events for piece in self._write(event))

    def failure(self, message: str) -> bytes:
        """An error in the middle of the stream, as OpenAI words it."""
        return b"data: " + write_error(message) + b"\n\n"

    def _write(self, event: Event) -> Iterator[bytes]:
        match event:
            case Said(what, text):
                if what == "text":
                    self._length += len(text)
                yield self._chunk({_FIELDS[what]: text})
            case Argued(index, arguments):
                yield self._call({"index": index, "function": {"arguments": arguments}})
            case Called(index, id_, name):
                function = {"name": name, "arguments": ""}
                yield self._call({"index": index, "id": id_, "type": "function", "function": function})
            case Whole(part):
                yield self._whole(part)
            case Begun(id_, model):
                self._head = _head(id_, model, self._created)
                yield self._chunk({"role": "assistant", "content": ""})
            case Ended():
                yield from self._end(event)
            case Kept():
                yield _KEEP_ALIVE

    def _call(self, call: Json) -> bytes:
        if not self._old:
            return self._chunk({"tool_calls": [call]})
        return b"" if call["index"] else self._chunk({"function_call": call["function"]})  # there is but one

    def _whole(self, part: Thinking | Text | Aside) -> bytes:
        if isinstance(part, Thinking):
            return self._list("thinking_blocks", [write_thinking(part)])
        if isinstance(part, Aside):
            return self._list("provider_blocks", [part.block])
        start = self._length - len(part.text)
        annotations = [write_annotation(citation, start, self._length) for citation in part.citations]
        return self._list("annotations", annotations)

    def _list(self, name: str, entries: list[Json]) -> bytes:
        """More entries of a list. They carry an `index`, by which OpenAI's own libraries put lists together."""
        first = self._listed.get(name, 0)
        self._listed[name] = first + len(entries)
        return self._chunk({name: [{"index": first + i, **entry} for i, entry in enumerate(entries)]})

    def _end(self, ended: Ended) -> Iterator[bytes]:
        finish = legacy.FINISH if self._old and ended.finish == "tool_calls" else ended.finish
        choice: Json = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": finish}
        if ended.stop_sequence is not None:
            choice["stop_reason"] = ended.stop_sequence
        yield self._head + b'"choices":[' + to_json(choice) + b"]}\n\n"
        if self._wants_usage:
            yield self._head + b'"choices":[],"usage":' + to_json(write_usage(ended.usage)) + b"}\n\n"
        yield b"data: [DONE]\n\n"

    def _chunk(self, delta: Json) -> bytes:
        return b"".join(
            (
                self._head,
                b'"choices":[{"index":0,"delta":',
                to_json(delta),
                b',"logprobs":null,"finish_reason":null}]}\n\n',
            )
        )


def _head(id_: str, model: str, created: int) -> bytes:
    head = to_json({"id": id_, "object": "chat.completion.chunk", "created": created, "model": model})
    return b"data: " + head[:-1] + b","
