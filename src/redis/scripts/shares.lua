-- shares: part of other scripts: a lock with several holders, and the time.
--   KEYS[1]  lock key: a sorted set of holders' values, each with the end of its lease in ms by the
--            server's clock; a counted lock has also the member '#counted' with the score -1
-- Every function fails for a key of another type, and touches KEYS[1] only.
local moment
local function micros()
  if not moment then
    local time = redis.call('TIME')
    moment = time[1] * 1000000 + time[2]
  end
  return moment
end
local function now() return math.floor(micros() / 1000) end

-- The key lives as long as the last of its leases.
local function stretch()
  local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  redis.call('PEXPIREAT', KEYS[1], last[2])
end

-- @return 1 `value` is among the holders | 0 only others are | -1 nobody is
local function share_of(value)
  redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now())
  if tonumber(redis.call('ZSCORE', KEYS[1], value) or -1) >= 0 then return 1 end
  if redis.call('ZCOUNT', KEYS[1], 0, '+inf') > 0 then return 0 end
  return -1
end

-- Counts the lease of `value` from now on again. @return As share_of.
local function keep_share(value, ttl)
  local found = share_of(value)
  if found == 1 then
    redis.call('ZADD', KEYS[1], now() + ttl, value)
    stretch()
  end
  return found
end

-- Takes `value` out. @return As share_of.
local function drop_share(value)
  local found = share_of(value)
  if found == 1 then
    redis.call('ZREM', KEYS[1], value)
    if redis.call('ZCOUNT', KEYS[1], 0, '+inf') > 0 then
      stretch()
    else
      redis.call('DEL', KEYS[1])
    end
  end
  return found
end
