"""Whose the objects are that providers keep, noted in Redis: what one gateway's clients made can be named
through all."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gateway.state.belongings import (
    KEPT_MS,
    LISTED,
    MOST,
    Keeper,
    Upload,
    digest,
    note_lost,
    read,
    read_maker,
    written,
    written_maker,
)
from gateway.state.claims import Gone
from gateway.state.line import Line

_log = logging.getLogger("weir.state")

_PAGE: Final = 200  # files that are read in a millisecond
_KEY: Final = (
    "weir:{kept}:3"  # the form of its values; the braces keep all keys together, as the scripts need it
)

# KEYS: a tenant's objects, and its files, by when they were made. ARGV: now, how long to keep (milliseconds; 0: until
# deleted), how many, whose and where and what, and each object's key.
_KEEP: Final = """
local now, keep, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local index = KEYS[1]
if keep == 0 then index = KEYS[2] else redis.call('ZREMRANGEBYSCORE', index, '-inf', now - keep) end
for i = 5, #ARGV do
  local new
  if keep == 0 then new = redis.call('SET', ARGV[i], ARGV[4], 'NX')
  else new = redis.call('SET', ARGV[i], ARGV[4], 'NX', 'PX', keep) end
  if new then redis.call('ZADD', index, now, ARGV[i]) end
end
local over = redis.call('ZCARD', index) - most
if over > 0 then
  for _, each in ipairs(redis.call('ZRANGE', index, 0, math.min(over, 100) - 1)) do
    redis.call('DEL', each)
    redis.call('ZREM', index, each)
  end
end
if keep > 0 then redis.call('PEXPIRE', index, keep) end
return 1
"""
# KEYS: the same. ARGV: each object's key.
_FORGET: Final = """
for _, each in ipairs(ARGV) do
  if redis.call('ZREM', KEYS[1], each) + redis.call('ZREM', KEYS[2], each) > 0 then redis.call('DEL', each) end
end
return 1
"""


class SharedBelongings:
    """One gateway's view of what all have noted."""

    def __init__(self, url: str, now_ms: Callable[[], int], most: int = MOST) -> None:
        """`now_ms`: UTC milliseconds; gateways' clocks may differ by seconds."""
        self._line = Line(url)
        self._now_ms = now_ms
        self._most = most

    async def keep(self, keeper: Keeper, ids: Sequence[str]) -> None:
        """As Belongings.keep."""
        file = "" if keeper.file is None else written(keeper.file)
        bounds = (self._now_ms(), 0 if file else KEPT_MS, self._most)
        whose = f"{keeper.backend}\n{keeper.replica}\n{file}\n{written_maker(keeper)}\n{keeper.tenant}"
        try:
            await self._line.ask(_KEEP, _indexes(keeper.tenant), *bounds, whose, *map(_key, ids))
        except Gone as gone:
            note_lost(keeper, ids, str(gone))

    async def keepers(self, ids: Sequence[str]) -> Mapping[str, Keeper]:
        """As Belongings.keepers."""
        found = {}
        for name, whose in zip(ids, await self._line.run("MGET", *map(_key, ids)), strict=True):
            if whose is not None:
                found[name] = _keeper(whose)
        return found

    async def uploads(self, tenant: str) -> Sequence[Upload]:
        """As Belongings.uploads."""
        found: dict[str, Upload] = {}  # a file that comes meanwhile moves the others on
        for start in range(0, LISTED, _PAGE):
            keys = await self._line.run("ZREVRANGE", _indexes(tenant)[1], start, start + _PAGE - 1)
            if not keys:
                break  # not even one, which MGET would want
            kept = [_keeper(whose) for whose in await self._line.run("MGET", *keys) if whose is not None]
            found |= {each.file.id: each.file for each in kept if each.file is not None}
            if len(keys) < _PAGE:
                break
        return list(found.values())

    async def forget(self, tenant: str, ids: Sequence[str]) -> None:
        """As Belongings.forget."""
        try:
            await self._line.ask(_FORGET, _indexes(tenant), *map(_key, ids))
        except Gone as gone:
            _log.warning("%d deleted objects of %s stay noted: %s", len(ids), tenant, gone)

    async def close(self) -> None:
        """As Belongings.close."""
        await self._line.close()


def _indexes(tenant: str) -> tuple[str, str]:
    return f"{_KEY}:of:{tenant}", f"{_KEY}:files:{tenant}"


def _keeper(whose: bytes) -> Keeper:
    backend, replica, file, maker, tenant = whose.decode().split("\n", 4)
    return Keeper(tenant, backend, replica, read(file) if file else None, *read_maker(maker))


def _key(name: str) -> str:
    return f"{_KEY}:{digest(name).hex()}"
