"""Where the text is in each dialect's stream, and how what was held back is said before its place has gone."""

from collections.abc import Mapping
from typing import Any, Final

from adapters.call import Dialect
from adapters.chat import Json
from adapters.restoring.values import Mender, Values

_CHAT_TEXTS: Final = ("content", "refusal", "reasoning_content", "reasoning")


class ChatMender(Mender):
    """Chunks of chat and of completions. A choice's last chunk carries what was held of it."""

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self._head: Json = {}

    def mend(self, event: Json) -> list[Json]:
        """The chunk with its deltas restored."""
        choices = event.get("choices")
        if isinstance(choices, list) and choices:
            self._head = {key: value for key, value in event.items() if key not in ("choices", "usage")}
            for choice in choices:
                self._choice(choice)
        return [event]

    def ending(self) -> list[Json]:
        """One chunk with all that no finish has brought out."""
        choices: dict[int, Json] = {}
        for (index, *place), text in self.channels.end().items():
            choice = choices.setdefault(index, {"index": index, "delta": {}, "finish_reason": None})
            _say(choice, place, text)
        return [{**self._head, "choices": list(choices.values())}] if choices else []

    def _choice(self, choice: Json) -> None:
        index = choice.get("index") or 0
        self._piece(choice, "text", (index, "text"))
        delta = choice.get("delta")
        if isinstance(delta, dict):
            for field in _CHAT_TEXTS:
                self._piece(delta, field, (index, field))
            self._piece(delta.get("function_call"), "arguments", (index, "function_call", "arguments"))
            for call in delta.get("tool_calls") or ():
                at = (index, "tool_calls", call.get("index") or 0)
                self._piece(call.get("function"), "arguments", (*at, "function", "arguments"))
                self._piece(call.get("custom"), "input", (*at, "custom", "input"))
        if choice.get("finish_reason") is not None:
            for (_, *place), text in self.channels.end(lambda channel: channel[0] == index).items():
                _say(choice, place, text)

    def _piece(self, holder: Any, field: str, channel: tuple[Any, ...]) -> None:
        if isinstance(holder, dict) and isinstance(holder.get(field), str):
            escaped = self.values.escapes(field)
            holder[field] = self.channels.feed(channel, holder[field], escaped=escaped)


def _say(choice: Json, place: list[Any], text: str) -> None:
    """Add text to a choice at its place."""
    if place == ["text"]:
        choice.pop("delta", None)
        choice["text"] = (choice.get("text") or "") + text
        return
    delta = choice["delta"] = choice.get("delta") or {}
    if place[0] == "tool_calls":
        _, number, holder, field = place
        calls = delta["tool_calls"] = delta.get("tool_calls") or []
        calls.append({"index": number, holder: {field: text}})
    elif place[0] == "function_call":
        call = delta["function_call"] = delta.get("function_call") or {}
        call["arguments"] = (call.get("arguments") or "") + text
    else:
        delta[place[0]] = (delta.get(place[0]) or "") + text


_DELTAS: Final = {"text_delta": "text", "input_json_delta": "partial_json"}


class MessagesMender(Mender):
    """Blocks of a message. A block's stop comes behind what was held of it."""

    def mend(self, event: Json) -> list[Json]:
        """The event restored; a stop behind the rest of its block."""
        kind, index = event.get("type"), event.get("index")
        if kind == "content_block_delta":
            delta = event["delta"]
            named = delta.get("type")
            field = _DELTAS.get(named)
            if field is not None:
                escaped = self.values.escapes(field)
                delta[field] = self.channels.feed((index, named), delta[field], escaped=escaped)
            return [event]
        if kind == "content_block_start":
            block = event["content_block"]
            if block.get("type") == "text" and block.get("text"):
                escaped = self.values.escapes("text")
                block["text"] = self.channels.feed((index, "text_delta"), block["text"], escaped=escaped)
            else:
                event["content_block"] = self.values.restored(block)
            return [event]
        if kind == "content_block_stop":
            return [*self._held(index), event]
        return [*self.ending(), event] if kind in ("message_delta", "message_stop") else [event]

    def ending(self) -> list[Json]:
        """The rest of blocks that never stopped."""
        return self._held(None)

    def _held(self, index: int | None) -> list[Json]:
        ended = self.channels.end(lambda channel: index is None or channel[0] == index)
        return [
            {"type": "content_block_delta", "index": at, "delta": {"type": named, _DELTAS[named]: text}}
            for (at, named), text in ended.items()
        ]


_PLACES: Final = ("item_id", "output_index", "content_index", "summary_index")


class ResponsesMender(Mender):
    """Events of a response. What was held of a text comes as one more delta before it is done; events are numbered, so
    those behind it move up."""

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self._added = 0

    def mend(self, event: Json) -> list[Json]:
        """The event restored; the end of a text behind its rest."""
        kind = str(event.get("type"))
        if "reasoning" in kind:
            return [self._numbered(event)]
        base, _, last = kind.rpartition(".")
        channel = (base, *(event.get(place) for place in _PLACES))
        if last == "delta" and isinstance(event.get("delta"), str):
            event["delta"] = self.channels.feed(channel, event["delta"], escaped=self._escaped(base))
            return [self._numbered(event)]
        if last == "done":
            rest = self._rest(lambda each: each == channel, event)
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            rest = self._rest(lambda _: True, event)
        else:
            rest = []
        return [*rest, self._numbered(self.values.restored(event))]

    def ending(self) -> list[Json]:
        """Nothing: this dialect's stream says itself how it ends."""
        return []

    def _escaped(self, base: str) -> bool:
        if base.endswith("arguments"):
            return True
        return base == "response.output_text" and self.values.escapes("text")

    def _rest(self, belongs: Any, event: Json) -> list[Json]:
        said = []
        for (base, *where), text in self.channels.end(belongs).items():
            places = {name: at for name, at in zip(_PLACES, where, strict=True) if at is not None}
            number = event.get("sequence_number")
            added: Json = {"type": f"{base}.delta", **places, "delta": text}
            if base == "response.output_text":
                added["logprobs"] = []
            if isinstance(number, int):
                added["sequence_number"] = number + self._added
                self._added += 1
            said.append(added)
        return said

    def _numbered(self, event: Json) -> Json:
        if self._added and isinstance(event.get("sequence_number"), int):
            event["sequence_number"] += self._added
        return event


MENDERS: Final[Mapping[Dialect, type[Mender]]] = {
    "chat": ChatMender,
    "completions": ChatMender,
    "messages": MessagesMender,
    "responses": ResponsesMender,
}
