"""What was found in a conversation, remembered in Redis: several gateways hold its later turns to it.

Each gateway remembers too what it saw itself, and says it again with every turn: what was found while Redis
was gone is there once it is back.
"""

from collections.abc import Callable
from typing import Final

from gateway.state.conversations import Bounds, LocalConversations, Words
from gateway.state.line import Line
from gateway.state.per_conversation import PerConversation

# Words with commas between: those that were known and those that are said, each once.
_UNITED: Final = """
local words, seen = {}, {}
for word in string.gmatch(value .. ',' .. ARGV[5], '[^,]+') do
  if not seen[word] then
    seen[word] = true
    words[#words + 1] = word
  end
end
value = table.concat(words, ',')
"""


class SharedConversations:
    """One gateway's view of what all remember."""

    def __init__(self, line: Line, now_ms: Callable[[], int]) -> None:
        """`now_ms`: UTC milliseconds."""
        self._line = line
        self._found = PerConversation(line, now_ms, "conversations", _UNITED)
        self._own = LocalConversations(now_ms)

    async def remember(self, tenant: str, conversation: str, words: Words, bounds: Bounds) -> Words:
        """As Conversations.remember."""
        own = await self._own.remember(tenant, conversation, words, bounds)
        found = await self._found.after(tenant, conversation, ",".join(sorted(own)), bounds)
        return frozenset(found.split(",")) - {""}

    async def close(self) -> None:
        """As Conversations.close; the line is."""
        await self._line.close()
