"""Thinking of other providers inside responses' reasoning items, and back to the provider that made it.

Responses carry a model's sealed train of thought in `encrypted_content`, which its provider alone can open. Weir puts
what another provider signed or sealed there, behind a mark of its own, so that a client that sends items back, as
the dialect has it, keeps the thought over a tool loop; and takes it out where the item goes to anybody else.
"""

from typing import Final

from adapters.chat import Json, Thinking

_MARK: Final = "weir."
_SIGNED: Final = "weir.signed:"
_REDACTED: Final = "weir.redacted:"
_OPEN: Final = "weir.open"  # nobody signed it


def sealed(thought: Thinking) -> str:
    """The `encrypted_content` of a reasoning item that holds a thought."""
    if thought.redacted:
        return _REDACTED + thought.redacted
    return _SIGNED + thought.signature if thought.signature else _OPEN


def opened(item: Json) -> Thinking | None:
    """The thought in a reasoning item that Weir wrote; one that nobody signed is open."""
    seal = item.get("encrypted_content")
    if not isinstance(seal, str):
        return None
    if seal.startswith(_REDACTED):
        return Thinking("", redacted=seal[len(_REDACTED) :])
    text = "".join(part.get("text") or "" for part in item.get("summary") or ())
    if seal == _OPEN:
        return Thinking(text)
    return Thinking(text, seal[len(_SIGNED) :]) if seal.startswith(_SIGNED) else None


def of_openai(item: Json) -> bool:
    """Whether OpenAI can open a reasoning item: it sealed or stores it. Open reasoning is an engine's."""
    seal = item.get("encrypted_content")
    if isinstance(seal, str) and seal:
        return not seal.startswith(_MARK)
    return not item.get("content")


def of_engine(item: Json) -> bool:
    """Whether an engine can read a reasoning item: it is not sealed."""
    return not item.get("encrypted_content")
