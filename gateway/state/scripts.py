"""What Redis does in one step: Lua, atomic, over the keys of one owner.

An account is two keys: a hash (`settled`, `held`, and `lease:NAME` for each lease's amount) and a sorted set
of its leases by when they expire. Amounts travel as text and are added by HINCRBY, so they stay exact; Lua
only compares them, as doubles, exact up to 2^53. Times are UTC milliseconds and are arguments.
"""

from typing import Final

_USED: Final = """
local function used(hash, leases, now)
  for _, dead in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now)) do
    local amount = redis.call('HGET', hash, 'lease:' .. dead)
    if amount then
      redis.call('HINCRBY', hash, 'held', '-' .. amount)
      redis.call('HDEL', hash, 'lease:' .. dead)
    end
    redis.call('ZREM', leases, dead)
  end
  local found = redis.call('HMGET', hash, 'settled', 'held')
  return (tonumber(found[1]) or 0) + (tonumber(found[2]) or 0)
end
"""

# KEYS: hash and leases of each claim. ARGV: lease, now, when it expires, number of ways; then for each claim
# its ceiling, when its keys may go, and an amount for each way.
# Answers {way} (from 0), or {-1, claim (from 0), what its account has used}. Asked again, it begins anew: what
# the lease held is let go of first.
RESERVE: Final = (
    _USED
    + """
local lease, now, expires, ways = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local claims, size, spoken = #KEYS / 2, 2 + tonumber(ARGV[4]), {}
for claim = 1, claims do
  local hash = KEYS[2 * claim - 1]
  local before = redis.call('HGET', hash, 'lease:' .. lease)
  if before then
    redis.call('HINCRBY', hash, 'held', '-' .. before)
    redis.call('HDEL', hash, 'lease:' .. lease)
    redis.call('ZREM', KEYS[2 * claim], lease)
  end
  spoken[claim] = used(hash, KEYS[2 * claim], now)
end
local full
for way = 1, ways do
  full = nil
  for claim = 1, claims do
    local at = 4 + (claim - 1) * size
    local amount = tonumber(ARGV[at + 2 + way])
    if amount > 0 and spoken[claim] + amount > tonumber(ARGV[at + 1]) then
      full = claim
      break
    end
  end
  if not full then
    for claim = 1, claims do
      local at = 4 + (claim - 1) * size
      local amount = ARGV[at + 2 + way]
      if amount ~= '0' then
        local hash, leases = KEYS[2 * claim - 1], KEYS[2 * claim]
        redis.call('HINCRBY', hash, 'held', amount)
        redis.call('HSET', hash, 'lease:' .. lease, amount)
        redis.call('ZADD', leases, expires, lease)
        redis.call('PEXPIREAT', hash, ARGV[at + 2])
        redis.call('PEXPIREAT', leases, ARGV[at + 2])
      end
    end
    return {way - 1}
  end
end
return {-1, full - 1, string.format('%.0f', spoken[full])}
"""
)

# KEYS: a gateway's counter of settlements, then hash and leases of each account. ARGV: this settlement's last
# number, how long to remember it (milliseconds), its leases (separated by spaces); then for each account when
# its keys may go, and what was spent. One that was done before changes nothing.
SETTLE: Final = """
local number, leases = tonumber(ARGV[1]), {}
if (tonumber(redis.call('GET', KEYS[1])) or 0) >= number then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
for lease in string.gmatch(ARGV[3], '%S+') do leases[#leases + 1] = lease end
for account = 1, (#KEYS - 1) / 2 do
  local hash, expiries = KEYS[2 * account], KEYS[2 * account + 1]
  local go, spent = ARGV[2 + 2 * account], ARGV[3 + 2 * account]
  for _, lease in ipairs(leases) do
    local amount = redis.call('HGET', hash, 'lease:' .. lease)
    if amount then
      redis.call('HINCRBY', hash, 'held', '-' .. amount)
      redis.call('HDEL', hash, 'lease:' .. lease)
      redis.call('ZREM', expiries, lease)
    end
  end
  if spent ~= '0' then redis.call('HINCRBY', hash, 'settled', spent) end
  redis.call('PEXPIREAT', hash, go)
  redis.call('PEXPIREAT', expiries, go)
end
return 1
"""

# KEYS: hash and leases of each account. ARGV: now. Answers what each has used, as text.
USED: Final = (
    _USED
    + """
local found = {}
for account = 1, #KEYS / 2 do
  found[account] = string.format('%.0f', used(KEYS[2 * account - 1], KEYS[2 * account], ARGV[1]))
end
return found
"""
)

# KEYS: hash and leases of one account. ARGV: when the leases expire, when the keys may go, the leases.
RENEW: Final = """
for i = 3, #ARGV do redis.call('ZADD', KEYS[2], 'XX', ARGV[1], ARGV[i]) end
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
redis.call('PEXPIREAT', KEYS[2], ARGV[2])
return 0
"""
