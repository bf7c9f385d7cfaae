"""A chat stream as canonical events."""

from typing import ClassVar, Final

from adapters.chat import Argued, Begun, Called, Ended, Event, Json, Said, TokenUsage, Whole
from adapters.dialects import signing
from adapters.dialects.chat.answer import failed, read_finish, spoken
from adapters.dialects.chat.usage import read_usage

_TEXTS: Final = (
    ("content", "text"),
    ("reasoning_content", "thinking"),
    ("reasoning", "thinking"),
    ("refusal", "refusal"),
)


class StreamReader:
    """Reads one stream's chunks in order, of which the first choice is meant. The usage comes behind the finish,
    so the end is told at `[DONE]`, which the caller sees: it takes `ending` then."""

    says_done: ClassVar = True

    __slots__ = ("_begun", "_calls", "_stop", "complete", "ended", "error", "finish_reason", "usage")

    def __init__(self) -> None:
        self.usage = TokenUsage()
        self.error: str | None = None
        self.complete = False
        self.ended = False
        self.finish_reason: str | None = None
        self._begun = False
        self._calls: set[int] = set()
        self._stop: str | None = None

    def read(self, chunk: Json) -> list[Event]:
        """What one chunk tells."""
        if chunk.get("error"):
            error = chunk["error"]
            self.error = str(error.get("message") if isinstance(error, dict) else error)
            return []
        usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage")
        if usage is not None:
            self.usage = read_usage(usage, chunk.get("service_tier"))
        events: list[Event] = []
        if not self._begun and (
            chunk.get("choices") or chunk.get("id")
        ):  # Azure's first chunk speaks of the prompt
            self._begun = True
            events.append(Begun(chunk.get("id") or "", chunk.get("model") or ""))
        for choice in chunk.get("choices") or ():
            if choice.get("index", 0) == 0:
                events.extend(self._choice(choice))
        return events

    def ending(self) -> Ended:
        """How the answer ends."""
        return Ended(read_finish(self.finish_reason), self._stop, self.usage)

    def _choice(self, choice: Json) -> list[Event]:
        delta = choice.get("delta") or {}
        events: list[Event] = []
        for key, what in _TEXTS:
            said = delta.get(key)
            if said.__class__ is list:
                events.extend(Said(kind, text) for kind, text in spoken(said))
            elif said:
                events.append(Said(what, said))  # type: ignore[arg-type]  # the table's second column
        for call in delta.get("tool_calls") or ():
            events.extend(self._call(call))
        if delta.get("function_call"):
            events.extend(self._call({"function": delta["function_call"]}))
        if choice.get("finish_reason") is not None:
            self.finish_reason = choice["finish_reason"]
            self.error = failed(self.finish_reason)
            self.ended = True
            stop = choice.get("stop_reason")
            self._stop = stop if isinstance(stop, str) else None
        return events

    def _call(self, call: Json) -> list[Event]:
        index, function = call.get("index") or 0, call.get("function") or {}
        events: list[Event] = []
        if index not in self._calls:
            self._calls.add(index)
            thought = signing.sealed(call) if "extra_content" in call else None
            if thought is not None:
                events.append(Whole(thought))
            events.append(Called(index, call.get("id") or "", function.get("name") or ""))
        if function.get("arguments"):
            events.append(Argued(index, function["arguments"]))
        return events
