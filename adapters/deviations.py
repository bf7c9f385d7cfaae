"""Where a provider that speaks OpenAI's dialect departs from it, as data that requests are fitted to."""

from collections.abc import Mapping
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
    back because answers had them; `one_answer`: `n` is 1; `no_schema`: it promises JSON, but not of a schema;
    `no_developer`: its role for instructions is `system`; `signs`: it signs calls of tools and wants that back;
    `thinks_on`: it wants the thinking back, as `reasoning_content`, that came with calls of tools."""

    lacks: frozenset[Dialect] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    without_tools: frozenset[str] = frozenset()
    not_taken_back: frozenset[str] = frozenset()
    one_answer: bool = False
    no_schema: bool = False
    no_developer: bool = False
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
        if (self.not_taken_back or self.no_developer) and any(map(self._is_odd, values["messages"])):
            found["messages"] = [self._fitted(each) for each in values["messages"]]
        return found

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
        return not self.not_taken_back.isdisjoint(message) or self._renames_role_of(message)

    def _renames_role_of(self, message: Mapping[str, Any]) -> bool:
        return self.no_developer and message.get("role") == "developer"

    def _fitted(self, message: Any) -> Any:
        """A message as the provider knows them."""
        if not self._is_odd(message):
            return message
        kept = {key: value for key, value in message.items() if key not in self.not_taken_back}
        return {**kept, "role": "system"} if self._renames_role_of(message) else kept


REMOVED: Final = object()
NONE: Final = Deviations()
