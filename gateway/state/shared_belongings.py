"""Whose the objects are that providers keep, noted in Redis: what one gateway's clients made can be named
through all."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from gateway.state.belongings import KEPT_MS, MOST, Keeper, digest, note_lost
from gateway.state.claims import Gone

_PATIENCE: Final = 0.5  # seconds Redis may take; a request that names or makes such an object waits for it
_PAUSE: Final = 0.25  # seconds after a failure in which it is not asked
_CONNECTIONS: Final = 8
_KEY: Final = "weir:{kept}"  # the braces keep all keys together, as the script needs it

# KEYS: a tenant's objects by when they were made. ARGV: now and how long to keep (milliseconds), how many, whose and
# where, and each object's key.
_KEEP: Final = """
local now, keep, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - keep)
for i = 5, #ARGV do
  if redis.call('SET', ARGV[i], ARGV[4], 'NX', 'PX', keep) then redis.call('ZADD', KEYS[1], now, ARGV[i]) end
end
local over = redis.call('ZCARD', KEYS[1]) - most
if over > 0 then
  for _, each in ipairs(redis.call('ZRANGE', KEYS[1], 0, math.min(over, 100) - 1)) do
    redis.call('DEL', each)
    redis.call('ZREM', KEYS[1], each)
  end
end
redis.call('PEXPIRE', KEYS[1], keep)
return 1
"""


class SharedBelongings:
    """One gateway's view of what all have noted."""

    def __init__(self, url: str, now_ms: Callable[[], int], most: int = MOST) -> None:
        """`now_ms`: UTC milliseconds; gateways' clocks may differ by seconds."""
        self._redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                url,
                max_connections=_CONNECTIONS,
                timeout=_PATIENCE,
                socket_timeout=_PATIENCE,
                socket_connect_timeout=_PATIENCE,
                retry=Retry(NoBackoff(), 1, (RedisConnectionError,)),  # it may have closed an idle connection
                client_name="weir",
            )
        )
        self._now_ms = now_ms
        self._most = most
        self._ask_again = 0.0  # monotonic seconds

    async def keep(self, keeper: Keeper, ids: Sequence[str]) -> None:
        """As Belongings.keep."""
        bounds, whose = (self._now_ms(), KEPT_MS, self._most), f"{keeper.backend}\n{keeper.tenant}"
        try:
            await self._ask("EVAL", _KEEP, 1, f"{_KEY}:of:{keeper.tenant}", *bounds, whose, *map(_key, ids))
        except Gone as gone:
            note_lost(keeper, ids, str(gone))

    async def keepers(self, ids: Sequence[str]) -> Mapping[str, Keeper]:
        """As Belongings.keepers."""
        found = {}
        for name, whose in zip(ids, await self._ask("MGET", *map(_key, ids)), strict=True):
            if whose is not None:
                backend, tenant = whose.decode().split("\n", 1)
                found[name] = Keeper(tenant, backend)
        return found

    async def close(self) -> None:
        """As Belongings.close."""
        await self._redis.aclose()

    async def _ask(self, *command: str | int) -> Any:
        if time.monotonic() < self._ask_again:
            raise Gone("Redis failed a moment ago")
        try:
            return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's
        except (RedisError, OSError) as error:
            self._ask_again = time.monotonic() + _PAUSE
            raise Gone(str(error) or type(error).__name__) from error


def _key(name: str) -> str:
    return f"{_KEY}:{digest(name).hex()}"
