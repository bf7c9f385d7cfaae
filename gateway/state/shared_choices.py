"""Where conversations have gone, remembered in Redis: their later turns may come to any of several gateways."""

from collections.abc import Callable
from typing import Final

from gateway.state.conversations import Bounds
from gateway.state.line import Line
from gateway.state.per_conversation import PerConversation

_CHOSEN: Final = "if ARGV[5] ~= '' then value = ARGV[5] end"


class SharedChoices:
    """One gateway's view of what all remember."""

    def __init__(self, line: Line, now_ms: Callable[[], int]) -> None:
        """`now_ms`: UTC milliseconds."""
        self._chosen = PerConversation(line, now_ms, "choices", _CHOSEN)

    async def recall(self, tenant: str, conversation: str, bounds: Bounds) -> str:
        """As Choices.recall."""
        return await self._chosen.after(tenant, conversation, "", bounds)

    async def keep(self, tenant: str, conversation: str, chosen: str, bounds: Bounds) -> None:
        """As Choices.keep."""
        await self._chosen.after(tenant, conversation, chosen, bounds)
