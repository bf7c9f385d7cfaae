"""What was found in a conversation, remembered in Redis: several gateways hold its later turns to it.

Each gateway remembers too what it saw itself, and says it again with every turn: what was found while Redis
was gone is there once it is back.
"""

from collections.abc import Callable
from typing import Final

from gateway.state.conversations import Bounds, LocalConversations, Words, digest
from gateway.state.line import Line

# KEYS: a tenant's hash (words by conversation) and sorted set (its conversations by their last turn). ARGV: now
# and how long to keep (milliseconds), how many, the conversation, words with commas between. Answers all words.
_REMEMBER: Final = """
local now, keep, most, name = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local function forget(names)
  for _, each in ipairs(names) do
    redis.call('HDEL', KEYS[1], each)
    redis.call('ZREM', KEYS[2], each)
  end
end
local last = redis.call('ZSCORE', KEYS[2], name)
if last and tonumber(last) <= now - keep then forget({name}) end
local words, seen = {}, {}
for word in string.gmatch((redis.call('HGET', KEYS[1], name) or '') .. ',' .. ARGV[5], '[^,]+') do
  if not seen[word] then
    seen[word] = true
    words[#words + 1] = word
  end
end
if #words == 0 then return '' end
local all = table.concat(words, ',')
redis.call('HSET', KEYS[1], name, all)
redis.call('ZADD', KEYS[2], now, name)
forget(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - keep, 'LIMIT', 0, 100))
local over = redis.call('ZCARD', KEYS[2]) - most
if over > 0 then forget(redis.call('ZRANGE', KEYS[2], 0, math.min(over, 100) - 1)) end
redis.call('PEXPIRE', KEYS[1], keep)
redis.call('PEXPIRE', KEYS[2], keep)
return all
"""


class SharedConversations:
    """One gateway's view of what all remember."""

    def __init__(self, line: Line, now_ms: Callable[[], int]) -> None:
        """`now_ms`: UTC milliseconds; gateways' clocks may differ by seconds."""
        self._line = line
        self._now_ms = now_ms
        self._own = LocalConversations(now_ms)

    async def remember(self, tenant: str, conversation: str, words: Words, bounds: Bounds) -> Words:
        """As Conversations.remember."""
        own = await self._own.remember(tenant, conversation, words, bounds)
        keys = f"weir:{{{tenant}}}:conversations", f"weir:{{{tenant}}}:conversations:last"
        name, said = digest(conversation).hex(), ",".join(sorted(own))
        found: bytes = await self._line.ask(
            _REMEMBER, keys, self._now_ms(), bounds.keep_ms, bounds.most, name, said
        )
        return frozenset(found.decode().split(",")) - {""}

    async def close(self) -> None:
        """As Conversations.close; the line is."""
        await self._line.close()
