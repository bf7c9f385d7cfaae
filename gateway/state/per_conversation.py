"""A value for each of a tenant's conversations in Redis, bounded in age and number: what shared memories have in
common."""

from collections.abc import Callable
from typing import Final

from gateway.state.conversations import Bounds, digest
from gateway.state.line import Line

# KEYS: a tenant's hash (the value by conversation) and sorted set (its conversations by their last turn). ARGV: now and
# how long to keep (milliseconds), how many, the conversation, what is said of it.
_BEGIN: Final = """
local now, keep, most, name = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local function forget(names)
  for _, each in ipairs(names) do
    redis.call('HDEL', KEYS[1], each)
    redis.call('ZREM', KEYS[2], each)
  end
end
local last = redis.call('ZSCORE', KEYS[2], name)
local known = last and tonumber(last) > now - keep
local value = known and redis.call('HGET', KEYS[1], name) or ''
"""
_END: Final = """
if value == '' then return '' end
redis.call('HSET', KEYS[1], name, value)
redis.call('ZADD', KEYS[2], now, name)
forget(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - keep, 'LIMIT', 0, 100))
local over = redis.call('ZCARD', KEYS[2]) - most
if over > 0 then forget(redis.call('ZRANGE', KEYS[2], 0, math.min(over, 100) - 1)) end
redis.call('PEXPIRE', KEYS[1], keep)
redis.call('PEXPIRE', KEYS[2], keep)
return value
"""


class PerConversation:
    """One gateway's view of such values."""

    def __init__(self, line: Line, now_ms: Callable[[], int], name: str, become: str) -> None:
        """`now_ms`: UTC milliseconds; gateways' clocks may differ by seconds. `become`: Lua that makes of `value`,
        which is empty where there is none, what it is after `ARGV[5]` was said."""
        self._line = line
        self._now_ms = now_ms
        self._name = name
        self._script = _BEGIN + become + _END

    async def after(self, tenant: str, conversation: str, said: str, bounds: Bounds) -> str:
        """The value, once that was said; empty: there is none. Raises Gone."""
        name = f"weir:{{{tenant}}}:{self._name}"
        told = (self._now_ms(), bounds.keep_ms, bounds.most, digest(conversation).hex(), said)
        found: bytes = await self._line.ask(self._script, (name, f"{name}:last"), *told)
        return found.decode()
