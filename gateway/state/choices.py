"""Where a conversation's turns have gone is remembered, so that its later turns keep to it.

What is remembered is a word of the pipeline's own, replaced with every change, and bounded in number and time for each
tenant apart. Nothing rests on it but warm caches: where it is lost, a turn is routed by itself.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from gateway.state.conversations import Bounds, digest


class Choices(Protocol):
    """Where it is remembered."""

    async def recall(self, tenant: str, conversation: str, bounds: Bounds) -> str:
        """What was chosen for a conversation last; empty: nothing is known. Its time begins anew. Raises Gone."""

    async def keep(self, tenant: str, conversation: str, chosen: str, bounds: Bounds) -> None:
        """Remember what was chosen. Raises Gone."""


class LocalChoices:
    """Remembers for one process, in about a microsecond, and never waits; ends with its process."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        """`now_ms`: milliseconds of a clock that does not go back."""
        self._now_ms = now_ms
        self._tenants: dict[str, OrderedDict[bytes, tuple[str, int]]] = {}

    async def recall(self, tenant: str, conversation: str, bounds: Bounds) -> str:
        """As Choices.recall; it is never gone."""
        held, name, now = self._tenants.get(tenant), digest(conversation), self._now_ms()
        if held is None or name not in held:
            return ""
        chosen, last = held.pop(name)
        if now - last >= bounds.keep_ms:
            return ""
        held[name] = (chosen, now)
        return chosen

    async def keep(self, tenant: str, conversation: str, chosen: str, bounds: Bounds) -> None:
        """As Choices.keep; it is never gone."""
        held, name, now = (
            self._tenants.setdefault(tenant, OrderedDict()),
            digest(conversation),
            self._now_ms(),
        )
        held[name] = (chosen, now)
        held.move_to_end(name)
        while len(held) > bounds.most or now - next(iter(held.values()))[1] >= bounds.keep_ms:
            held.popitem(last=False)
