"""Where a provider that speaks OpenAI's dialect departs from it, as data that requests are fitted to."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.call import Dialect
from adapters.errors import Unsupported


@dataclass(frozen=True, slots=True)
class Deviations:
    """`lacks`: dialects among OpenAI's that it does not serve (responses clients are then served through chat). The
    rest is about chat requests: `renamed` fields go by another name there; `left_out` are hints it refuses to be
    given, without which the answer is the same; `refused` are fields it cannot honour, `without_tools` those it cannot
    honour beside tools; `not_taken_back` are members of earlier messages that it does not know, which clients send
    back because answers had them (a `function_call` is refused: it would be missed); `one_answer`: `n` is 1;
    `no_schema`: it promises JSON, but not of a schema; `no_developer`: its role for instructions is `system`;
    `short_ids`: calls of tools are named by nine letters and digits; `turns`: behind a tool's result it wants the
    assistant to speak before the user does; `signs`: it signs calls of tools and wants that back; `thinks_on`: it
    wants the thinking back, as `reasoning_content`, that came with calls of tools."""

    lacks: frozenset[Dialect] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    without_tools: frozenset[str] = frozenset()
    not_taken_back: frozenset[str] = frozenset()
    one_answer: bool = False
    no_schema: bool = False
    no_developer: bool = False
    short_ids: bool = False
    turns: bool = False
    signs: bool = False
    thinks_on: bool = False

    def changes(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What to change in a chat request: new values by key, REMOVED for those that go. A field set to what it is
        without being set (`false`, 0, nothing) goes too where the provider does not know it. Raises Unsupported."""
        self._refuse(values)
        found: dict[str, Any] = dict.fromkeys(values.keys() & self.refused, REMOVED)
        for key, name in self.renamed.items():
            if key in values:
                found[key] = REMOVED
                if name not in values:
                    found[name] = values[key]
        found.update((key, REMOVED) for key in self.left_out)  # also where Weir itself would add it
        messages = self._conversation(values["messages"])
        if messages is not None:
            found["messages"] = messages
        return found

    def _conversation(self, messages: list[Any]) -> list[Any] | None:
        """The messages as the provider wants them; None where they are so already."""
        odd = (self.not_taken_back or self.no_developer or self.short_ids) and any(
            map(self._is_odd, messages)
        )
        fitted = [self._fitted(each) for each in messages] if odd else messages
        if self.turns:
            fitted = list(_in_turn(fitted))
        return fitted if odd or len(fitted) > len(messages) else None

    def _refuse(self, values: Mapping[str, Any]) -> None:
        for key in values.keys() & self.refused:
            if values[key]:
                raise Unsupported(key, f"this model's provider does not support '{key}'")
        for key in values.keys() & self.without_tools:
            if values[key] and values.get("tools"):
                raise Unsupported(key, f"this model's provider does not take '{key}' and tools at once")
        if self.one_answer and (values.get("n") or 1) > 1:
            raise Unsupported("n", "this model's provider gives one answer to a request")
        if self.no_schema and (values.get("response_format") or {}).get("type") == "json_schema":
            raise Unsupported("response_format", "this model's provider takes no schema, only json_object")

    def _is_odd(self, message: Any) -> bool:
        """Whether a message has a member or a role that the provider does not know."""
        if not isinstance(message, dict):
            return False
        if not self.not_taken_back.isdisjoint(message) or self._renames_role_of(message):
            return True
        return self.short_ids and any(_short(name) != name for name in _named_calls(message))

    def _renames_role_of(self, message: Mapping[str, Any]) -> bool:
        return self.no_developer and message.get("role") == "developer"

    def _fitted(self, message: Any) -> Any:
        """A message as the provider knows them."""
        if not self._is_odd(message):
            return message
        if message.get("function_call") and "function_call" in self.not_taken_back:
            raise Unsupported("messages", "this model's provider knows no 'function_call': send 'tool_calls'")
        kept = {key: value for key, value in message.items() if key not in self.not_taken_back}
        if self.short_ids:
            kept |= _shortened(message)
        return {**kept, "role": "system"} if self._renames_role_of(message) else kept


def _in_turn(messages: list[Any]) -> Iterator[Any]:
    """The messages with a word of the assistant's wherever the user speaks right behind a tool's result."""
    before = None
    for message in messages:
        role = message.get("role") if isinstance(message, dict) else None
        if role == "user" and before == "tool":
            yield {"role": "assistant", "content": _HEARD}
        yield message
        before = role


def _named_calls(message: Mapping[str, Any]) -> Iterator[str]:
    """The ids of the calls that a message makes, or answers."""
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict) and isinstance(call.get("id"), str):
            yield call["id"]
    if isinstance(message.get("tool_call_id"), str):
        yield message["tool_call_id"]


def _shortened(message: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a message that name calls, with short ids."""
    found: dict[str, Any] = {}
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        found["tool_calls"] = [
            {**call, "id": _short(call["id"])}
            if isinstance(call, dict) and isinstance(call.get("id"), str)
            else call
            for call in calls
        ]
    if isinstance(message.get("tool_call_id"), str):
        found["tool_call_id"] = _short(message["tool_call_id"])
    return found


def _short(name: str) -> str:
    """The same short id for the same name, in every request; one that is short already stays."""
    return name if _is_short(name) else hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:9]


_HEARD: Final = "Done."  # what an assistant says that has nothing to say: the provider takes no empty words
_is_short: Final = re.compile(r"[A-Za-z0-9]{9}").fullmatch
REMOVED: Final = object()
NONE: Final = Deviations()
