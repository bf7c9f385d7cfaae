"""What the model would see, as each of the routers' rooms takes it."""

from dataclasses import replace
from typing import Final

from adapters.call import Dialect
from adapters.visible import Visible
from routers.complexity.scorer import Conversation, Turn
from routers.sensitivity.label import Segment

CHARACTERS_PER_TOKEN: Final = 4  # of prose in the common tokenizers; an estimate until the engine reports
TOKENS_PER_MESSAGE: Final = 4  # the chat template's own
OPENING_TURNS: Final = 4  # at most: all before the user's first, and that
OPENING_CHARACTERS: Final = 2048  # of each of those: enough to tell conversations apart


def segments_of(seen: Visible) -> list[Segment]:
    """The texts of a request as the sensitivity room takes them."""
    return [Segment(text, origin) for origin, text in seen.texts]


def without_kept(seen: Visible, dialect: Dialect) -> Visible:
    """The same, where what is in the files it names is known, or in the response it asks about."""
    known = "response_id" if dialect == "response" else "file_id"
    return replace(seen, opaque=tuple([kind for kind in seen.opaque if kind != known]))


def conversation_of(seen: Visible) -> Conversation:
    """The turns of a request as the complexity room takes them."""
    return Conversation(tuple([Turn(role, text) for role, text in seen.turns]), seen.tools, seen.schema)


def opening_of(seen: Visible) -> str:
    """How a conversation began, up to what its user said first: the same at every later turn."""
    said = []
    for role, text in seen.turns[:OPENING_TURNS]:
        said.append(text[:OPENING_CHARACTERS])
        if role == "user":
            break
    return "\n".join(said)


def tokens_of(seen: Visible) -> int:
    """How long the prompt is, in tokens: an estimate."""
    characters = sum([len(text) for _, text in seen.texts])
    return seen.ids + characters // CHARACTERS_PER_TOKEN + TOKENS_PER_MESSAGE * len(seen.turns)
