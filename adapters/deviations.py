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
    back because answers had them; `one_answer`: `n` is 1; `signs`: it signs calls of tools and wants that back."""

    lacks: frozenset[Dialect] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    without_tools: frozenset[str] = frozenset()
    not_taken_back: frozenset[str] = frozenset()
    one_answer: bool = False
    signs: bool = False

    def changes(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What to change in a chat request: new values by key, REMOVED for those that go. A field set to what it is
        without being set (`false`, 0, nothing) goes too where the provider does not know it. Raises Unsupported."""
        found: dict[str, Any] = {}
        for key in values.keys() & self.refused:
            if values[key]:
                raise Unsupported(key, f"this model's provider does not support '{key}'")
            found[key] = REMOVED
        for key in values.keys() & self.without_tools:
            if values[key] and values.get("tools"):
                raise Unsupported(key, f"this model's provider does not take '{key}' and tools at once")
        if self.one_answer and (values.get("n") or 1) > 1:
            raise Unsupported("n", "this model's provider gives one answer to a request")
        for key, name in self.renamed.items():
            if key in values:
                found[key] = REMOVED
                if name not in values:
                    found[name] = values[key]
        found.update((key, REMOVED) for key in self.left_out)  # also where Weir itself would add it
        odd = self.not_taken_back
        if odd and any(isinstance(each, dict) and not odd.isdisjoint(each) for each in values["messages"]):
            found["messages"] = [_without(each, odd) for each in values["messages"]]
        return found


def _without(message: Any, odd: frozenset[str]) -> Any:
    """A message without some of its members."""
    return (
        {key: value for key, value in message.items() if key not in odd}
        if isinstance(message, dict)
        else message
    )


REMOVED: Final = object()
NONE: Final = Deviations()
