"""What was found in a conversation is remembered, so that its later turns are held to it.

What is remembered are words (levels, categories, types: never what was found itself), and they only ever
grow. A tenant's conversations are bounded in number and time, apart from other tenants': nobody can make
Weir forget a conversation of somebody else's by having many.
"""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

_log = logging.getLogger("weir.state")

Words = frozenset[str]  # none of them holds a comma
NOTHING: Final[Words] = frozenset()


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long (milliseconds since its last turn) and how many (for each tenant) conversations are remembered."""

    keep_ms: int
    most: int


class Conversations(Protocol):
    """Where it is remembered."""

    async def remember(self, tenant: str, conversation: str, words: Words, bounds: Bounds) -> Words:
        """Add words to a conversation and give back all it has now. Raises Gone."""

    async def close(self) -> None:
        """Let go of what it holds open."""


class LocalConversations:
    """Remembers for one process, in about a microsecond, and never waits; ends with its process."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        """`now_ms`: milliseconds of a clock that does not go back."""
        self._now_ms = now_ms
        self._tenants: dict[str, OrderedDict[bytes, tuple[Words, int]]] = {}
        self._told: set[str] = set()

    async def remember(self, tenant: str, conversation: str, words: Words, bounds: Bounds) -> Words:
        """As Conversations.remember; it is never gone."""
        now, name = self._now_ms(), digest(conversation)
        held = self._tenants.setdefault(tenant, OrderedDict())
        known, last = held.get(name, (NOTHING, now))
        if now - last >= bounds.keep_ms:
            known = NOTHING
        if not words <= known:
            known |= words
        if known:
            held[name] = (known, now)
            held.move_to_end(name)
        self._trim(tenant, held, now, bounds)
        return known

    async def close(self) -> None:
        """As Conversations.close: there is nothing open."""

    def _trim(
        self, tenant: str, held: OrderedDict[bytes, tuple[Words, int]], now: int, bounds: Bounds
    ) -> None:
        """Forget what is too old, then the oldest of what is too many."""
        while held:
            name, (_, last) = next(iter(held.items()))
            old = now - last >= bounds.keep_ms
            if not old and len(held) <= bounds.most:
                return
            if not old and tenant not in self._told:
                self._told.add(tenant)
                _log.warning(
                    "%s has more than %d sensitive conversations: the oldest are forgotten (sensitivity.conversations)",
                    tenant,
                    bounds.most,
                )
            del held[name]


def digest(conversation: str) -> bytes:
    """What stands for a conversation's name: applications choose it, so it may be long, and may tell something."""
    return hashlib.blake2b(conversation.encode(errors="surrogatepass"), digest_size=16).digest()
