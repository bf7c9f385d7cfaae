"""A conversation's label sticks: what was found in it once holds for its later turns, whatever they still show.

Weir remembers the level, categories and types found, what could not be read, and detectors that failed; a
later turn has all of it, so that every boundary the earlier turn fell under holds. Without a conversation's
name nothing is remembered and nothing is waited for.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from gateway.state.claims import Gone
from gateway.state.conversations import Bounds, Conversations, Words
from routers.sensitivity.label import Label, Level
from routers.sensitivity.taxonomy import TYPES

FOREIGN: Final = "foreign type"  # a word that says: a type of finding that Weir's taxonomy does not know
STORE: Final = "conversation"  # what `Label.failed` says where the store could not be asked


@dataclass(frozen=True, slots=True)
class Stickiness:
    """How one snapshot wants it: `when_gone` says what becomes of a request whose conversation cannot be asked
    about: it counts as the most sensitive, or as what it shows itself."""

    bounds: Bounds
    when_gone: Literal["restrict", "allow"]


async def held_to_before(
    label: Label,
    conversations: Conversations,
    sticky: Stickiness,
    tenant: str,
    conversation: str,
    claimed: Level | None = None,
) -> Label:
    """The label, raised to what was found in the conversation before; what is new is remembered, and what the client
    `claimed` of it."""
    own = words_of(label)
    if claimed is not None and claimed >= Level.CONFIDENTIAL:
        own |= {f"claimed {claimed}"}
    try:
        words = await conversations.remember(tenant, conversation, own, sticky.bounds)
    except Gone:
        if sticky.when_gone == "allow":
            return label
        return replace(label, level=Level.RESTRICTED, failed=tuple(dict.fromkeys((*label.failed, STORE))))
    return raised(label, words)


async def beyond_redaction(
    conversations: Conversations, sticky: Stickiness, tenant: str, conversation: str
) -> Label:
    """What is known of the conversation that redacting a turn of it does not take away: levels that were claimed, and
    findings of types that only a further detector knows. Raises Gone."""
    return beyond(await conversations.remember(tenant, conversation, frozenset(), sticky.bounds))


def beyond(words: Words) -> Label:
    """See `beyond_redaction`; nothing is known where there are no words."""
    claimed = [Level.named(word.removeprefix("claimed ")) for word in words if word.startswith("claimed ")]
    if FOREIGN in words:
        return Label(Level.RESTRICTED, categories=frozenset({"CUSTOM"}))
    return Label(max(claimed, default=Level.PUBLIC))


def why(own: Label, held: Label) -> str:
    """What to tell of a label that the conversation raised; empty: it did not."""
    if held == own:
        return ""
    if STORE in held.failed:
        return "what was found in the conversation before is not known just now"
    return f"the conversation was {held.level} before"


def words_of(label: Label) -> Words:
    """What to remember of a label: nothing, where nothing was found and it may go anywhere."""
    if not (label.must_stay or label.categories):
        return frozenset()
    foreign = (FOREIGN,) if any(each not in TYPES for each in label.types) else ()
    return frozenset(
        (
            *foreign,
            f"level {label.level}",
            *(f"category {each}" for each in label.categories),
            *(f"type {each}" for each in label.types if each in TYPES),
            *(f"unread {each}" for each in label.unscanned),
            *(f"failed {each}" for each in label.failed),
        )
    )


def raised(label: Label, words: Words) -> Label:
    """The label with all that these words say. A type found before and not now counts 0."""
    told: dict[str, list[str]] = {}
    for word in sorted(words):
        about, _, name = word.partition(" ")
        told.setdefault(about, []).append(name)
    held = replace(
        label,
        level=max(label.level, *map(Level.named, told.get("level", ["public"]))),
        types=dict.fromkeys(told.get("type", ()), 0) | dict(label.types),
        categories=label.categories.union(told.get("category", ())),
        unscanned=tuple(dict.fromkeys((*label.unscanned, *told.get("unread", ())))),
        failed=tuple(dict.fromkeys((*label.failed, *told.get("failed", ())))),
    )
    return label if held == label else held
