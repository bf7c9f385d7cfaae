"""Canonical events as a messages stream.

Blocks of text and thinking close when another kind begins; those of tool calls stay open until the answer ends,
because chat may interleave the arguments of parallel calls and nothing may come behind a block's stop.
"""

from typing import Final

from adapters.chat import (
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
    TokenUsage,
    Whole,
)
from adapters.dialects.encoding import to_json
from adapters.dialects.messages.answer import write_part, write_stop_reason
from adapters.dialects.messages.usage import write_usage

_PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'


class StreamWriter:
    """Writes one stream for a messages client."""

    __slots__ = ("_calls", "_next", "_open")

    def __init__(self) -> None:
        self._next = 0  # index of the next block
        self._open: tuple[str, int] | None = None  # the open block of text or thinking, and its index
        self._calls: dict[int, int] = {}  # call → its block's index

    def write(self, events: list[Event]) -> bytes:
        """The client's bytes for some events."""
        return b"".join(piece for event in events for piece in self._write(event))

    def failure(self, message: str) -> bytes:
        """An error in the middle of the stream, as Anthropic words it."""
        return _event({"type": "error", "error": {"type": "api_error", "message": message}})

    def _write(self, event: Event) -> list[bytes]:
        match event:
            case Said(what, text):
                return self._say("thinking" if what == "thinking" else "text", text)
            case Argued(call, arguments):
                delta = {"type": "input_json_delta", "partial_json": arguments}
                return [_delta(self._calls.get(call, 0), delta)]
            case Called(call, id_, name):
                self._calls[call] = self._next
                return [
                    *self._close(),
                    self._start({"type": "tool_use", "id": id_, "name": name, "input": {}}),
                ]
            case Whole(part):
                return self._whole(part)
            case Begun(id_, model):
                return [_begin(id_, model)]
            case Ended():
                return self._end(event)
            case Kept():
                return [_PING]

    def _say(self, kind: str, text: str) -> list[bytes]:
        out: list[bytes] = []
        if self._open is None or self._open[0] != kind:
            out = self._close()
            self._open = (kind, self._next)
            signed = {"signature": ""} if kind == "thinking" else {}
            out.append(self._start({"type": kind, kind: "", **signed}))
        assert self._open is not None  # noqa: S101  # opened above
        out.append(_delta(self._open[1], {"type": f"{kind}_delta", kind: text}))
        return out

    def _whole(self, part: Thinking | Text | Aside) -> list[bytes]:
        if isinstance(part, Thinking) and part.signature and self._open and self._open[0] == "thinking":
            return [
                _delta(self._open[1], {"type": "signature_delta", "signature": part.signature}),
                *self._close(),
            ]
        block = write_part(part)
        if block is None or isinstance(part, Text):
            return []
        out = [*self._close(), self._start(block)]
        return [*out, _stop(self._next - 1)]

    def _end(self, ended: Ended) -> list[bytes]:
        delta = {
            "stop_reason": write_stop_reason(ended.finish, ended.stop_sequence),
            "stop_sequence": ended.stop_sequence,
        }
        return [
            *self._close(),
            *(_stop(index) for index in self._calls.values()),
            _event({"type": "message_delta", "delta": delta, "usage": write_usage(ended.usage)}),
            _event({"type": "message_stop"}),
        ]

    def _start(self, block: Json) -> bytes:
        self._next += 1
        return _event({"type": "content_block_start", "index": self._next - 1, "content_block": block})

    def _close(self) -> list[bytes]:
        if self._open is None:
            return []
        index = self._open[1]
        self._open = None
        return [_stop(index)]


def _begin(id_: str, model: str) -> bytes:
    message: Json = {
        "id": id_,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": write_usage(TokenUsage()),
    }
    return _event({"type": "message_start", "message": message})


def _delta(index: int, delta: Json) -> bytes:
    return _event({"type": "content_block_delta", "index": index, "delta": delta})


def _stop(index: int) -> bytes:
    return _event({"type": "content_block_stop", "index": index})


def _event(event: Json) -> bytes:
    kind: str = event["type"]
    return b"event: " + kind.encode() + b"\ndata: " + to_json(event) + b"\n\n"
