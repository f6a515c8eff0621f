-- line_head: the begin of line, with the ways that are gone most often. Stands behind pass_on.
--   KEYS[1]  lock; the other keys are made of it, and lie in the same slot of a cluster
--   ARGV[1]  our seat
--   ARGV[2]  'ask' | 'pass' | 'leave'
--   ARGV[3]  the value to release first; '' for none
--   and, but for 'leave':
--   ARGV[4]  what we want, as places has it behind the expiry, with our value at the end:
--            'MODE:PERMITS:TOKENS:LISTENS:SERIAL:VALUE'. LISTENS: 1 if we hear what is published
--            for us, 0 if we only ask again and again. SERIAL: of this asking
--   ARGV[5]  ttl, ms, > 0
--   ARGV[6]  lease of our place, ms, > 0
--   ARGV[7]  for how long we have been waiting, µs; '' since now
--   returns  1 left | {1, token} it is ours | {0, 1 if first in line, holder or nil, ms left}
--            in line | {-1} not released: held by another value | {-2} held by nobody
local lock, line, waiters = KEYS[1], KEYS[1] .. ':q', KEYS[1] .. ':w'
local floor, seconds = 1000000000000000, '86400'  -- As all callers have them.
local me, verb, held, wish, lease = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[6])
local came, place

-- Before anything is done with our own place.
local function look_at_clock()
  local time = redis.call('TIME')
  local micros = time[1] * 1000000 + time[2]
  came = micros - (tonumber(ARGV[7]) or 0)
  -- Rounded up, as the lease is counted from before this was sent.
  place = string.format('%.0f:%s', math.floor(micros / 1000) + lease + 1, wish)
  return micros
end

-- Both keys live as long as the longest lease in them.
local function outlive()
  if redis.call('PTTL', line) > lease then return end
  redis.call('PEXPIRE', line, lease + 1)
  redis.call('PEXPIRE', waiters, lease + 1)
end

-- Where either is a key of somebody else's, nothing is left behind.
local function stand_in_line()
  redis.call('HSET', waiters, me, place)
  if type(redis.pcall('ZADD', line, 'NX', came, me)) == 'table' then
    redis.call('HDEL', waiters, me)
    redis.call('ZADD', line, 'NX', came, me)  -- Fails, with the server's own words.
  end
  outlive()
end

if wish and string.byte(wish) == 120 then  -- Exclusively.
  local holder = redis.pcall('GET', lock)
  if verb == 'pass' and holder == held then
    local next, left, first = pass_on(lock, look_at_clock(), floor, me, came, place)
    if next then
      outlive()
      return {0, first and 1 or 0, next, left}
    end
  elseif verb == 'ask' and type(holder) == 'string' and
         holder ~= string.match(wish, '^x:%d+:%d+:%d:%d+:(.*)$') then
    local micros = look_at_clock()
    stand_in_line()
    local first = redis.call('ZRANGE', line, '0', '0')[1]
    local expiry = first ~= me and string.match(redis.call('HGET', waiters, first) or '', '^%d+')
    if first == me or (expiry and tonumber(expiry) > micros / 1000) then
      return {0, first == me and 1 or 0, holder, redis.call('PTTL', lock)}
    end
  end
end

local KEYS = {lock, lock .. ':f', line, waiters}
