"""Where conversations have gone, remembered in Redis: their later turns may come to any of several gateways."""

from collections.abc import Callable
from typing import Final

from gateway.state.conversations import Bounds, digest
from gateway.state.line import Line

# KEYS: a tenant's hash (what was chosen by conversation) and sorted set (its conversations by their last turn). ARGV:
# now and how long to keep (milliseconds), how many, the conversation, what was chosen (empty: recall). Answers that.
_CHOICE: Final = """
local now, keep, most, name, chosen = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local function forget(names)
  for _, each in ipairs(names) do
    redis.call('HDEL', KEYS[1], each)
    redis.call('ZREM', KEYS[2], each)
  end
end
if chosen == '' then
  local last = redis.call('ZSCORE', KEYS[2], name)
  if not last or tonumber(last) <= now - keep then return '' end
  chosen = redis.call('HGET', KEYS[1], name) or ''
  if chosen == '' then return '' end
else
  redis.call('HSET', KEYS[1], name, chosen)
end
redis.call('ZADD', KEYS[2], now, name)
forget(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - keep, 'LIMIT', 0, 100))
local over = redis.call('ZCARD', KEYS[2]) - most
if over > 0 then forget(redis.call('ZRANGE', KEYS[2], 0, math.min(over, 100) - 1)) end
redis.call('PEXPIRE', KEYS[1], keep)
redis.call('PEXPIRE', KEYS[2], keep)
return chosen
"""


class SharedChoices:
    """One gateway's view of what all remember."""

    def __init__(self, line: Line, now_ms: Callable[[], int]) -> None:
        """`now_ms`: UTC milliseconds; gateways' clocks may differ by seconds."""
        self._line = line
        self._now_ms = now_ms

    async def recall(self, tenant: str, conversation: str, bounds: Bounds) -> str:
        """As Choices.recall."""
        return await self._asked(tenant, conversation, "", bounds)

    async def keep(self, tenant: str, conversation: str, chosen: str, bounds: Bounds) -> None:
        """As Choices.keep."""
        await self._asked(tenant, conversation, chosen, bounds)

    async def _asked(self, tenant: str, conversation: str, chosen: str, bounds: Bounds) -> str:
        keys = f"weir:{{{tenant}}}:choices", f"weir:{{{tenant}}}:choices:last"
        name = digest(conversation).hex()
        found: bytes = await self._line.ask(
            _CHOICE, keys, self._now_ms(), bounds.keep_ms, bounds.most, name, chosen
        )
        return found.decode()
