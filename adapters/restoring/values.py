"""The values behind the placeholders of one request, put back in texts, whole or in pieces."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final

from adapters import longtext
from adapters.chat import Json
from adapters.others import others
from adapters.stretches import STRETCH

_SEALED: Final = (
    "signature",
    "encrypted_content",
)  # what its provider signed goes back to it as it was signed
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking", "reasoning"})
_NOT_TEXT: Final = frozenset(
    {"id", "type", "role", "object", "model", "thinking_blocks", "logprobs", "usage"}
)
_ARGUMENTS: Final = frozenset({"arguments", "partial_json"})  # JSON text: values are escaped in it once more
_BRACKETED: Final = re.compile(r"\[[A-Z0-9_]+\]")
_SAID: Final = frozenset({"content", "text"})


class Values:
    """Placeholder → value. `json_text`: the application asked for an answer that is JSON itself."""

    __slots__ = ("_json_text", "_longest", "_values")

    def __init__(self, values: Mapping[str, str], *, json_text: bool) -> None:
        self._values = dict(values)
        self._json_text = json_text
        self._longest = max(map(len, values), default=0)

    def put_back(self, text: str, *, escaped: bool = False) -> str:
        """The text with its values; `escaped`: it is JSON text, so they stand inside strings."""
        if "[" not in text:
            return text
        if len(text) > STRETCH:
            return self._put_back_by_turns(text, escaped=escaped)
        return _BRACKETED.sub(self._escaped if escaped else self._plain, text)

    def _put_back_by_turns(self, text: str, *, escaped: bool) -> str:
        """As `put_back` in a long text, with others."""
        pieces, at = [], 0
        while at < len(text):
            piece = text[at : at + STRETCH]
            if at + STRETCH < len(text):  # what could be the beginning of a placeholder goes with the next
                piece = piece[: len(piece) - self.held(piece)]
            pieces.append(_BRACKETED.sub(self._escaped if escaped else self._plain, piece))
            at += len(piece)
            others()
        whole = longtext.Growing(sum(map(len, pieces)))
        for piece in pieces:
            for _ in whole.add(piece):
                others()
        return whole.done()

    def held(self, text: str) -> int:
        """How many characters at the end could be the beginning of a placeholder."""
        start = text.rfind("[", max(0, len(text) - self._longest + 1))
        if start < 0:
            return 0
        beginning = text[start:]
        begun = any(name.startswith(beginning) and name != beginning for name in self._values)
        return len(beginning) if begun else 0

    def escapes(self, key: str) -> bool:
        """Whether a member of that name is JSON text."""
        return key in _ARGUMENTS or (self._json_text and key in _SAID)

    def restored(self, value: Any, key: str = "") -> Any:
        """A JSON value with its texts restored: no key, no id, nothing that is signed."""
        if value.__class__ is str:
            return self.put_back(value, escaped=self.escapes(key))
        if value.__class__ is list:
            return [self.restored(each, key) for each in value]
        if value.__class__ is not dict:
            return value
        if value.get("type") in _THOUGHTS or any(value.get(name) for name in _SEALED):
            return value
        return {
            name: each if name in _NOT_TEXT else self.restored(each, name) for name, each in value.items()
        }

    def _plain(self, match: re.Match[str]) -> str:
        return self._values.get(match[0], match[0])

    def _escaped(self, match: re.Match[str]) -> str:
        return json.dumps(self._plain(match), ensure_ascii=False)[1:-1]


class Channels:
    """The texts of one stream that come in pieces, each held back by no more than a placeholder could begin in."""

    __slots__ = ("_held", "_values")

    def __init__(self, values: Values) -> None:
        self._values = values
        self._held: dict[tuple[Any, ...], str] = {}

    def feed(self, channel: tuple[Any, ...], piece: str, *, escaped: bool) -> str:
        """What can be said now that this piece has come."""
        text = self._held.pop(channel, "") + piece
        cut = len(text) - self._values.held(text)
        if cut < len(text):
            self._held[channel] = text[cut:]
        return self._values.put_back(text[:cut], escaped=escaped)

    def end(self, belongs: Callable[[tuple[Any, ...]], bool] = lambda _: True) -> dict[tuple[Any, ...], str]:
        """What these channels still hold: they have ended, so it is no placeholder."""
        ended = {channel: text for channel, text in self._held.items() if belongs(channel)}
        for channel in ended:
            del self._held[channel]
        return ended


class Mender(ABC):
    """Restores the events of one dialect's stream."""

    def __init__(self, values: Values) -> None:
        self.values: Final = values
        self.channels: Final = Channels(values)

    @abstractmethod
    def mend(self, event: Json) -> list[Json]:
        """The events to send instead of this one, in order."""

    @abstractmethod
    def ending(self) -> list[Json]:
        """What is still to be said before the stream's last word."""
