"""What gateways remember of a conversation, as far as another process can ask: where they keep it in Redis."""

from dataclasses import dataclass

from adapters.call import Dialect
from adapters.declared import TALKING
from gateway.app import build
from gateway.app.counting import open_conversations
from gateway.configuration.snapshot import Snapshot
from gateway.pipeline.course import Turn, read
from gateway.state.claims import Gone
from gateway.state.conversations import NOTHING, Bounds, Words


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was found in a conversation before, and where it went; `unknown` says why nothing is known."""

    words: Words = NOTHING
    turn: Turn | None = None
    unknown: str = ""


async def remembered(snapshot: Snapshot, tenant: str, conversation: str, dialect: Dialect) -> Remembered:
    """Ask for it; nothing is added to it. Raises OSError where Redis cannot be spoken to at all."""
    if not conversation:
        return Remembered()
    if snapshot.state.redis is None:
        return Remembered(
            unknown="what was found in this conversation before, and which model it keeps: the gateway has that in its"
            " own memory (`state.redis` would show it here)"
        )
    affinity = snapshot.affinity
    bounds = Bounds(int(affinity.keep * 1000), affinity.most)
    conversations, choices = open_conversations(snapshot.state)
    try:
        words = await conversations.remember(tenant, conversation, NOTHING, build.stickiness(snapshot).bounds)
        if not affinity.model or dialect not in TALKING:
            return Remembered(words)
        said = await choices.recall(tenant, conversation, bounds)
    except Gone:
        return Remembered(unknown="what was found in this conversation before: Redis does not answer")
    finally:
        await conversations.close()
    return Remembered(words, Turn(read(said), bounds))
