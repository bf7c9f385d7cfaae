"""A messages stream as canonical events."""

from typing import Any, ClassVar, Final, Literal

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
from adapters.dialects.encoding import read_arguments, to_text
from adapters.dialects.messages.answer import read_finish, read_refusal
from adapters.dialects.messages.stored import left_by, made
from adapters.dialects.messages.usage import booked_usage, merge, read_usage

_NO_USAGE: Final = TokenUsage()


class StreamReader:
    """Reads one stream's events in order. `usage` is what to book, exact at any moment; `error` is what the
    provider said after its 200; `made` names what it keeps; `complete` only after `message_stop`."""

    says_done: ClassVar = False

    __slots__ = (
        "_answer_tool",
        "_blocks",
        "_calls",
        "_ending",
        "_usage",
        "complete",
        "error",
        "finish_reason",
        "made",
        "usage",
    )

    def __init__(self, answer_tool: str | None = None) -> None:
        self.usage = _NO_USAGE
        self.error: str | None = None
        self.complete = False
        self.finish_reason: str | None = None
        self.made: tuple[str, ...] = ()
        self._answer_tool = answer_tool
        self._blocks: dict[int, _Block] = {}
        self._calls = 0
        self._usage: Json = {}
        self._ending: Ended | None = None

    def read(self, event: Json) -> list[Event]:
        """What one event tells. Event types that Weir does not know tell nothing, as the API's rules have it."""
        match event.get("type"):
            case "content_block_delta":
                return self._delta(event)
            case "content_block_start":
                return self._start(event)
            case "content_block_stop":
                block = self._blocks.get(event.get("index", 0))
                return block.stop() if block else []
            case "message_start":
                return self._begin(event.get("message") or {})
            case "message_delta":
                return self._end(event)
            case "message_stop":
                self.complete = True
                return [self.ending()]
            case "ping":
                return [Kept()]
            case "error":
                self.error = _words(event.get("error"))
        return []

    @property
    def ended(self) -> bool:
        """Whether the stop reason is known: nothing of the answer is missing then."""
        return self._ending is not None

    def ending(self) -> Ended:
        """How the answer ends."""
        return self._ending or Ended("stop", None, read_usage(self._usage))

    def _begin(self, message: Json) -> list[Event]:
        self.made = made(message)
        self._usage = merge({}, message.get("usage"))
        so_far = booked_usage(self._usage)  # the prompt is known; the answer's figure is only a beginning
        self.usage = TokenUsage(so_far.input, so_far.cache_read, so_far.cache_write, tier=so_far.tier)
        return [Begun(message.get("id") or "", message.get("model") or "")]

    def _end(self, event: Json) -> list[Event]:
        delta = event.get("delta") or {}
        self.made = tuple(dict.fromkeys((*self.made, *made(delta))))
        self._usage = merge(self._usage, event.get("usage"))
        self.usage = booked_usage(self._usage)
        reason = delta.get("stop_reason")
        if reason is None:
            return []
        finish = read_finish(reason, as_text=self._answer_tool is not None)
        self.finish_reason = finish
        self._ending = Ended(finish, delta.get("stop_sequence"), read_usage(self._usage))
        refusal = read_refusal(delta)
        return [Said("refusal", refusal)] if refusal else []

    def _start(self, event: Json) -> list[Event]:
        content = event.get("content_block") or {}
        self.made = (*self.made, *left_by(content))
        block = _Block(content, self._calls, self._answer_tool)
        self._calls += block.is_call
        self._blocks[event.get("index", 0)] = block
        return block.start()

    def _delta(self, event: Json) -> list[Event]:
        block = self._blocks.get(event.get("index", 0))
        delta = event.get("delta")
        return block.delta(delta) if block and isinstance(delta, dict) else []


class _Block:
    """One content block while it comes."""

    __slots__ = (
        "_arguments",
        "_call",
        "_citations",
        "_content",
        "_input_came",
        "_text",
        "is_call",
        "is_text",
    )

    def __init__(self, content: Json, calls: int, answer_tool: str | None) -> None:
        self._content = content
        tool_use = content.get("type") == "tool_use"
        self.is_text = tool_use and content.get("name") == answer_tool
        self.is_call = tool_use and not self.is_text
        self._call = calls
        self._text: list[str] = []  # what was said so far, or the arguments of a tool of the provider's
        self._citations: list[Json] = list(content.get("citations") or ())
        self._input_came = False

    def start(self) -> list[Event]:
        content = self._content
        match content.get("type"):
            case "tool_use" if self.is_call:
                return [Called(self._call, content.get("id") or "", content.get("name") or "")]
            case "text":
                return self._say("text", content.get("text"))
            case "thinking":
                return self._say("thinking", content.get("thinking"))
        return []

    def delta(self, delta: Json) -> list[Event]:
        match delta.get("type"):
            case "text_delta":
                return self._say("text", delta.get("text"))
            case "input_json_delta":
                return self._argue(delta.get("partial_json") or "")
            case "thinking_delta":
                return self._say("thinking", delta.get("thinking"))
            case "signature_delta":
                self._content = {**self._content, "signature": delta.get("signature")}
            case "citations_delta" if isinstance(delta.get("citation"), dict):
                self._citations.append(delta["citation"])
            case "compaction_delta":
                self._content = {**self._content, "content": delta.get("content")}
        return []

    def stop(self) -> list[Event]:
        """What only the whole block can tell."""
        content = self._content
        match content.get("type"):
            case "tool_use":
                return [] if self._input_came else self._argue(to_text(content.get("input") or {}))
            case "text":
                cited = Text("".join(self._text), citations=tuple(self._citations))
                return [Whole(cited)] if self._citations else []
            case "thinking":
                signature = content.get("signature")
                return [Whole(Thinking("".join(self._text), signature))] if signature else []
            case "redacted_thinking":
                return [Whole(Thinking("", redacted=content.get("data") or ""))]
        return [Whole(Aside(self._whole_aside()))]

    def _say(self, what: Literal["text", "thinking"], text: str | None) -> list[Event]:
        if not text:
            return []
        self._text.append(text)
        return [Said(what, text)]

    def _argue(self, arguments: str) -> list[Event]:
        if not arguments:
            return []
        self._input_came = True
        if self.is_text:
            return [Said("text", arguments)]
        if self.is_call:
            return [Argued(self._call, arguments)]
        self._text.append(arguments)
        return []

    def _whole_aside(self) -> Json:
        """The block with the arguments its deltas brought."""
        return (
            {**self._content, "input": read_arguments("".join(self._text))} if self._text else self._content
        )


def _words(error: Any) -> str:
    if isinstance(error, dict):
        return f"{error.get('type') or 'error'}: {error.get('message') or 'the provider gave no reason'}"
    return "the provider sent an error"
