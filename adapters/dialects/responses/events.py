"""Canonical events as a responses stream.

Each text, refusal and thought is an item of its own; it is done when another begins. Items of tool calls are done when
the answer ends, because chat may interleave the arguments of parallel calls.
"""

from typing import Any, Final, Literal

from adapters import longtext
from adapters.chat import (
    Answer,
    Argued,
    Aside,
    Begun,
    Called,
    Ended,
    Event,
    Json,
    Kept,
    Said,
    Text,
    Thinking,
    Whole,
)
from adapters.dialects.encoding import to_json
from adapters.dialects.pieces import large_json
from adapters.dialects.responses import answer as wire
from adapters.dialects.translation import events_of
from adapters.document import AT_ONCE
from adapters.stretches import joined

_KEEP_ALIVE: Final = b": keep-alive\n\n"


class Numbered:
    """Writes events, each with the number it has in its stream. Where they are `large`, others have their turn."""

    __slots__ = ("large", "next")

    def __init__(self, first: int = 0, *, large: bool = False) -> None:
        self.next = first
        self.large = large

    def event(self, kind: str, **fields: Any) -> bytes:
        """One event of the type `kind`."""
        told = {"type": kind, "sequence_number": self.next, **fields}
        self.next += 1
        if self.large:
            return joined([b"event: ", kind.encode(), b"\ndata: ", *large_json(told), b"\n\n"])
        return b"event: " + kind.encode() + b"\ndata: " + to_json(told) + b"\n\n"

    def together(self, events: list[bytes]) -> bytes:
        """Events in one piece; they are let go."""
        return joined(events) if self.large else b"".join(events)

    def failure(self, message: str) -> bytes:
        """The last event of a stream that fails. OpenAI's libraries raise for the nested `error`; the reference has
        the flat fields."""
        words = {"code": "server_error", "message": message, "param": None}
        return self.event("error", **words, error={"type": "server_error", **words})


class _Spoken:
    """A text, a refusal or a thought while it comes. Its deltas differ in their text and number only."""

    __slots__ = ("_head", "annotations", "at", "id", "kind", "length", "output_index", "pieces")

    def __init__(self, kind: Literal["text", "refusal", "thinking"], id_: str, output_index: int) -> None:
        self.kind = kind
        self.id = id_
        self.output_index = output_index
        part = "summary_index" if kind == "thinking" else "content_index"
        self.at: Json = {"item_id": id_, "output_index": output_index, part: 0}
        self.annotations: list[Json] = []
        self.pieces: list[str] = []
        self.length = 0  # characters
        name = f"response.{_NAMES[kind]}.delta"
        also: Json = {"logprobs": []} if kind == "text" else {}
        head = to_json({"type": name, **self.at, **also})
        self._head = b"event: " + name.encode() + b"\ndata: " + head[:-1] + b',"delta":'

    def delta(self, text: str, log: Numbered) -> bytes:
        self.pieces.append(text)
        self.length += len(text)
        number = log.next
        log.next += 1
        return b'%b%b,"sequence_number":%d}\n\n' % (self._head, to_json(text), number)

    def part(self, text: str) -> Json:
        if self.kind == "thinking":
            return {"type": "summary_text", "text": text}
        return wire.refusal_part(text) if self.kind == "refusal" else wire.text_part(text, self.annotations)

    def added(self, log: Numbered) -> list[bytes]:
        """The events that open the item."""
        item: Json = {"id": self.id, "type": "reasoning", "summary": []}
        if self.kind != "thinking":
            item = wire.message(self.id, "in_progress", [])
        return [
            log.event("response.output_item.added", output_index=self.output_index, item=item),
            log.event(f"response.{_PARTS[self.kind]}.added", **self.at, part=self.part("")),
        ]

    def done(self, log: Numbered, status: str, seal: Thinking | None) -> tuple[Json, list[bytes]]:
        """The whole item, and the events that close it."""
        log.large = log.large or self.length > AT_ONCE
        text = longtext.joined(self.pieces) if log.large else "".join(self.pieces)
        part = self.part(text)
        item = wire.message(self.id, status, [part])
        if self.kind == "thinking":
            signature, redacted = (seal.signature, seal.redacted) if seal else ("", "")
            item = wire.reasoning(self.id, Thinking(text, signature, redacted))
        said: Json = {"refusal": text} if self.kind == "refusal" else {"text": text}
        if self.kind == "text":
            said["logprobs"] = []
        return item, [
            log.event(f"response.{_NAMES[self.kind]}.done", **self.at, **said),
            log.event(f"response.{_PARTS[self.kind]}.done", **self.at, part=part),
            log.event("response.output_item.done", output_index=self.output_index, item=item),
        ]


_NAMES: Final = {"text": "output_text", "refusal": "refusal", "thinking": "reasoning_summary_text"}
_PARTS: Final = {"text": "content_part", "refusal": "content_part", "thinking": "reasoning_summary_part"}


class _Call:
    """A tool call while it comes. A custom tool's input is told when it is whole: it comes inside JSON."""

    __slots__ = ("_at", "_call_id", "_custom", "_name", "_pieces", "output_index")

    def __init__(self, called: Called, id_: str, output_index: int, *, custom: bool) -> None:
        self.output_index = output_index
        self._at: Json = {"item_id": id_, "output_index": output_index}
        self._call_id, self._name, self._custom = called.id, called.name, custom
        self._pieces: list[str] = []

    def added(self, log: Numbered) -> bytes:
        item = self._item("", "in_progress")
        return log.event("response.output_item.added", output_index=self.output_index, item=item)

    def delta(self, arguments: str, log: Numbered) -> bytes:
        self._pieces.append(arguments)
        if self._custom:
            return b""
        return log.event("response.function_call_arguments.delta", **self._at, delta=arguments)

    def done(self, log: Numbered, status: str) -> tuple[Json, list[bytes]]:
        """The whole item, and the events that close it."""
        given = "".join(self._pieces)
        if self._custom:
            given = wire.free_text(given)
            events = [
                log.event("response.custom_tool_call_input.delta", **self._at, delta=given),
                log.event("response.custom_tool_call_input.done", **self._at, input=given),
            ]
        else:
            events = [
                log.event(
                    "response.function_call_arguments.done", **self._at, name=self._name, arguments=given
                )
            ]
        item = self._item(given, status)
        return item, [
            *events,
            log.event("response.output_item.done", output_index=self.output_index, item=item),
        ]

    def _item(self, given: str, status: str) -> Json:
        write = wire.custom_call if self._custom else wire.call
        return write(self._at["item_id"], self._call_id, self._name, given, status)


class StreamWriter:
    """Writes one stream for a responses client. `echo` is what the response repeats of the request, `created` in
    seconds since 1970, `custom` names the tools that take free text. `response` is the whole of it at the end."""

    __slots__ = ("_calls", "_custom", "_id", "_log", "_open", "_output", "response")

    def __init__(self, echo: Json, created: int, custom: frozenset[str]) -> None:
        self._custom = custom
        self._log = Numbered()
        self._id = ""
        self._open: _Spoken | None = None
        self._output: list[Json] = []  # items in order; one that is not done is empty
        self._calls: dict[int, _Call] = {}
        self.response: Json = {
            "id": "",
            "object": "response",
            "created_at": created,
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "model": "",
            "output": [],
            "usage": None,
            **echo,
        }

    def write(self, events: list[Event]) -> bytes:
        """The client's bytes for some events."""
        return self._log.together([piece for event in events for piece in self._write(event)])

    def failure(self, message: str) -> bytes:
        """An error in the middle of the stream."""
        return self._log.failure(message)

    def _write(self, event: Event) -> list[bytes]:
        match event:
            case Said(what, text):
                return self._say(what, text)
            case Argued(index, arguments):
                call = self._calls.get(index)
                return [call.delta(arguments, self._log)] if call else []
            case Called():
                return self._call(event)
            case Whole(part):
                return self._whole(part)
            case Begun(id_, model):
                return self._begin(id_, model)
            case Ended():
                return self._end(event)
            case Kept():
                return [_KEEP_ALIVE]

    def _begin(self, id_: str, model: str) -> list[bytes]:
        self._id = id_
        self.response |= {"id": wire.response_id(id_), "model": model}
        return [
            self._log.event("response.created", response=self.response),
            self._log.event("response.in_progress", response=self.response),
        ]

    def _say(self, what: Literal["text", "thinking", "refusal"], text: str) -> list[bytes]:
        spoken = self._open
        if spoken is not None and spoken.kind == what:
            return [spoken.delta(text, self._log)]
        out = self._close()
        spoken = self._open = _Spoken(
            what, self._next_id("rs" if what == "thinking" else "msg"), len(self._output)
        )
        self._output.append({})
        return [*out, *spoken.added(self._log), spoken.delta(text, self._log)]

    def _call(self, called: Called) -> list[bytes]:
        out, custom = self._close(), called.name in self._custom
        call = _Call(called, self._next_id("ctc" if custom else "fc"), len(self._output), custom=custom)
        self._calls[called.index] = call
        self._output.append({})
        return [*out, call.added(self._log)]

    def _whole(self, part: Thinking | Text | Aside) -> list[bytes]:
        if isinstance(part, Text):
            return self._cite(part)
        if isinstance(part, Aside):
            self.response.setdefault("provider_blocks", []).append(part.block)
            return []
        if self._open is not None and self._open.kind == "thinking" and not part.redacted:
            return self._close(seal=part)
        out, index = self._close(), len(self._output)
        item = wire.reasoning(self._next_id("rs"), part)
        self._output.append(item)
        return [
            *out,
            self._log.event("response.output_item.added", output_index=index, item=item),
            self._log.event("response.output_item.done", output_index=index, item=item),
        ]

    def _cite(self, part: Text) -> list[bytes]:
        spoken = self._open
        if spoken is None or spoken.kind != "text":  # citations of no words
            return []
        out: list[bytes] = []
        for annotation in wire.annotations(part, spoken.length):
            number = len(spoken.annotations)
            spoken.annotations.append(annotation)
            name = "response.output_text.annotation.added"
            out.append(self._log.event(name, **spoken.at, annotation_index=number, annotation=annotation))
        return out

    def _close(self, status: str = "completed", seal: Thinking | None = None) -> list[bytes]:
        spoken = self._open
        if spoken is None:
            return []
        self._open = None
        self._output[spoken.output_index], events = spoken.done(self._log, status, seal)
        return events

    def _end(self, ended: Ended) -> list[bytes]:
        last = len(self._output) - 1
        cut = "incomplete" if ended.finish == "length" else "completed"
        out = self._close(cut)
        for call in self._calls.values():
            status = cut if call.output_index == last else "completed"
            self._output[call.output_index], events = call.done(self._log, status)
            out.extend(events)
        self.response |= {**wire.ended(ended), "output": self._output}
        return [*out, self._log.event(wire.TERMINAL[self.response["status"]], response=self.response)]

    def _next_id(self, kind: str) -> str:
        return wire.item_id(kind, self._id, len(self._output))


def write_answer(answer: Answer, echo: Json, created: int, custom: frozenset[str]) -> Json:
    """The whole response a responses client reads: what its stream would have ended with."""
    writer = StreamWriter(echo, created, custom)
    writer.write(list(events_of(answer)))
    return writer.response
