-- holding: part of other scripts: who holds the lock, and who may. Needs shares.
--   KEYS[1]  lock key
-- A mode is 'x' exclusive | 's' shared | 'c' counted.

-- Forgets those whose lease has run out. Fails for a key that is no lock.
-- @return 'free' | 'x' | 's' | 'c', and how many hold it
local function look()
  local type = redis.call('TYPE', KEYS[1]).ok
  if type == 'none' then return 'free', 0 end
  if type == 'string' then return 'x', 1 end
  redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now())
  local counted = redis.call('ZSCORE', KEYS[1], '#counted')
  local holders = redis.call('ZCOUNT', KEYS[1], 0, '+inf')
  if holders == 0 then
    redis.call('DEL', KEYS[1])
    return 'free', 0
  end
  return counted and 'c' or 's', holders
end

-- @return whether who wants it so may hold it now, beside those who do
local function fits(mode, permits)
  local kind, holders = look()
  if kind == 'free' then return true end
  return kind == mode and (mode == 's' or mode == 'c' and holders < permits)
end

local function give(mode, value, ttl)
  if mode == 'x' then
    redis.call('SET', KEYS[1], value, 'PX', ttl)
    return
  end
  if mode == 'c' then redis.call('ZADD', KEYS[1], -1, '#counted') end
  redis.call('ZADD', KEYS[1], now() + ttl, value)
  stretch()
end

-- @return the holder whose end matters to one who wants it so, and how many ms are left until then;
--         false and -2 if nobody holds it, -1 if it never ends
local function holder_for(mode)
  local holder = redis.pcall('GET', KEYS[1])
  if not holder then return false, -2 end
  if type(holder) == 'string' then return holder, redis.call('PTTL', KEYS[1]) end
  local found
  if mode == 'c' then
    found = redis.call('ZRANGEBYSCORE', KEYS[1], 0, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  else
    found = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  end
  return found[1], found[2] - now()
end
