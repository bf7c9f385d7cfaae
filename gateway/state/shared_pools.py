"""Pools in Redis: Lua, atomic, one hash for each pool.

A hash holds `text`, `left`, `closed` (what was left then), and for each gateway `given:`, `late:`, `first:`, `second:`
and `asked:`. Amounts stay below 2^53, so that Lua's numbers hold them exactly.
"""

import time
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.state.claims import Gone
from gateway.state.pools import Given
from gateway.state.shared_options import options

_PAUSE: Final = 1.0  # seconds after a failure in which it is not asked
_KEPT: Final = 7_200_000  # milliseconds a pool is kept

# ARGV: gateway, what it says, how long the hash is kept
_MEET: Final = """
redis.call('HSET', KEYS[1], 'said:' .. ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local held, found = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #held, 2 do
  if string.sub(held[i], 1, 5) == 'said:' and string.sub(held[i], 6) ~= ARGV[1] then found[#found + 1] = held[i + 1] end
end
return found
"""
_OPEN: Final = """
if redis.call('HSETNX', KEYS[1], 'text', ARGV[1]) == 1 then
  redis.call('HSET', KEYS[1], 'left', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return redis.call('HGET', KEYS[1], 'text')
"""
# ARGV: gateway, total, whether to overdraw
_CLAIM: Final = """
local held = redis.call('HMGET', KEYS[1], 'left', 'given:' .. ARGV[1], 'late:' .. ARGV[1], 'closed')
local given, late = tonumber(held[2]) or 0, tonumber(held[3]) or 0
if not held[1] then return {} end
local more, left = tonumber(ARGV[2]) - given, tonumber(held[1])
if ARGV[3] == '0' and more > left then more = math.max(left, 0) end
if more ~= 0 then
  given = given + more
  redis.call('HINCRBY', KEYS[1], 'left', string.format('%.0f', -more))
  redis.call('HSET', KEYS[1], 'given:' .. ARGV[1], string.format('%.0f', given))
  if held[4] then
    late = late + more
    redis.call('HSET', KEYS[1], 'late:' .. ARGV[1], string.format('%.0f', late))
  end
end
return {given, late}
"""
# ARGV: gateway, two figures
_NOTE: Final = """
if redis.call('HEXISTS', KEYS[1], 'text') == 0 then return {tonumber(ARGV[2]), tonumber(ARGV[3])} end
for i, name in ipairs({'first:', 'second:'}) do
  local before = tonumber(redis.call('HGET', KEYS[1], name .. ARGV[1])) or 0
  redis.call('HSET', KEYS[1], name .. ARGV[1], ARGV[1 + i])
  redis.call('HINCRBY', KEYS[1], name, string.format('%.0f', tonumber(ARGV[1 + i]) - before))
end
return {tonumber(redis.call('HGET', KEYS[1], 'first:')), tonumber(redis.call('HGET', KEYS[1], 'second:'))}
"""
# The gateway is the only argument.
_LEFT: Final = """
local left = redis.call('HGET', KEYS[1], 'left')
if not left then return {0, 0, 0} end
redis.call('HDEL', KEYS[1], 'asked:' .. ARGV[1])
local fields, given, asked, all = redis.call('HGETALL', KEYS[1]), {}, {}, 0
for i = 1, #fields, 2 do
  local kind, gateway = string.match(fields[i], '^(%a+):(.+)$')
  if kind == 'given' then given[gateway] = tonumber(fields[i + 1]) end
  if kind == 'asked' then asked[gateway] = true end
end
for gateway, amount in pairs(given) do
  if not asked[gateway] then all = all + amount end
end
redis.call('HSET', KEYS[1], 'asked:' .. ARGV[1], 1)
return {tonumber(left), given[ARGV[1]] or 0, all}
"""
_SHUT: Final = """
local left = redis.call('HGET', KEYS[1], 'left')
if not left then return false end
redis.call('HSETNX', KEYS[1], 'closed', left)
return redis.call('HGET', KEYS[1], 'closed')
"""


class RedisPools:
    """One gateway's view of what all share."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, **options())
        self._ask_again = 0.0  # monotonic seconds

    async def meet(self, name: str, gateway: str, said: str) -> list[str]:
        """As Pools.meet."""
        return [each.decode() for each in await self._run(_MEET, name, gateway, said, _KEPT)]

    async def open(self, name: str, text: str, amount: int) -> str:
        """As Pools.open."""
        kept: bytes = await self._run(_OPEN, name, text, amount, _KEPT)
        return kept.decode()

    async def claim(self, name: str, gateway: str, total: int, *, overdraw: bool = False) -> Given | None:
        """As Pools.claim."""
        found = await self._run(_CLAIM, name, gateway, total, int(overdraw))
        return Given(int(found[0]), int(found[1])) if found else None

    async def note(self, name: str, gateway: str, figures: tuple[int, int]) -> tuple[int, int]:
        """As Pools.note."""
        first, second = await self._run(_NOTE, name, gateway, *figures)
        return int(first), int(second)

    async def left(self, name: str, gateway: str) -> tuple[int, int, int]:
        """As Pools.left."""
        left, own, asking = await self._run(_LEFT, name, gateway)
        return int(left), int(own), int(asking)

    async def shut(self, name: str) -> int | None:
        """As Pools.shut."""
        found = await self._run(_SHUT, name)
        return None if found is None else int(found)

    async def close(self) -> None:
        """As Pools.close."""
        await self._redis.aclose()

    async def _run(self, script: str, name: str, *arguments: str | int) -> Any:
        if time.monotonic() < self._ask_again:
            raise Gone("Redis failed a moment ago")
        try:
            return await self._redis.eval(script, 1, f"weir:{{pool:{name}}}", *arguments)
        except (RedisError, OSError) as error:
            self._ask_again = time.monotonic() + _PAUSE
            raise Gone(str(error) or type(error).__name__) from error
