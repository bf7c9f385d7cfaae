"""The scores that rolling thresholds are measured by, in Redis: all gateways' latest, in proportion to traffic."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gateway.state.line import Line
from gateway.state.scores import KEPT_MS

# KEYS: a name's list of scores (newest last), and its pace: how many were met in this minute and the one before. ARGV:
# now, how long to keep (milliseconds), how many, how many were met, and those of them to add. Answers how many all
# gateways meet in a minute, then the list.
_EXCHANGE: Final = """
local now, keep, most, met = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local held = redis.call('HMGET', KEYS[2], 'minute', 'now', 'before')
local minute = math.floor(now / 60000)
local at, count, before = tonumber(held[1]) or minute, tonumber(held[2]) or 0, tonumber(held[3]) or 0
if minute > at then
  before = minute == at + 1 and count or 0
  at, count = minute, 0
end
count = count + met
redis.call('HSET', KEYS[2], 'minute', at, 'now', count, 'before', before)
for i = 5, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
redis.call('LTRIM', KEYS[1], -most, -1)
redis.call('PEXPIRE', KEYS[1], keep)
redis.call('PEXPIRE', KEYS[2], keep)
local answer = redis.call('LRANGE', KEYS[1], 0, -1)
table.insert(answer, 1, tostring(math.max(count, before)))
return answer
"""


class SharedScores:
    """One gateway's view of what all have met.

    Where all together meet more scores in a minute than a window holds, each adds the same share of its own, evenly
    spread: else the window would be that of whoever added last.
    """

    every: float = 2.0

    def __init__(self, line: Line, now_ms: Callable[[], int], most: int) -> None:
        """`now_ms`: UTC milliseconds; gateways' clocks may differ by seconds."""
        self._line = line
        self._now_ms = now_ms
        self._most = most
        self._pace: dict[str, float] = {}  # scores in a minute, of all gateways
        self._owed: dict[str, float] = {}  # the part of a score that rounding has left to be added

    async def exchange(self, met: Mapping[str, Sequence[float]]) -> Mapping[str, Sequence[float]]:
        """As Scores.exchange."""
        found = {}
        for name, scores in met.items():
            keys = f"weir:{{hardest:{name}}}:scores", f"weir:{{hardest:{name}}}:pace"
            added = map(repr, self._thinned(name, scores))
            pace, *window = await self._line.ask(
                _EXCHANGE, keys, self._now_ms(), KEPT_MS, self._most, len(scores), *added
            )
            self._pace[name] = float(pace)
            found[name] = tuple(map(float, window))
        return found

    async def close(self) -> None:
        """As Scores.close."""
        await self._line.close()

    def _thinned(self, name: str, scores: Sequence[float]) -> list[float]:
        share = min(1.0, self._most / max(self._pace.get(name, 0.0), 1.0))
        owed = self._owed.get(name, 0.0) + len(scores) * share
        count = min(int(owed), self._most, len(scores))
        self._owed[name] = owed - int(owed)
        return [scores[(2 * at + 1) * len(scores) // (2 * count)] for at in range(count)]
