-- line: ask for a lock and stand in line for it, pass it on, or leave. O(log of the line), and what
-- hand_over costs. Stands between shares, tokens, holding, places and hand_over, line_answer.
--   KEYS     lock, fence, line, waiters
--   ARGV[1]  our seat
--   ARGV[2]  'ask' | 'pass' | 'leave'
--   ARGV[3]  the value to release first; '' for none
--   ARGV[4]  the floor, ARGV[5] seconds, as tokens has them
--   and, but for 'leave':
--   ARGV[6]  our value              ARGV[7]  mode
--   ARGV[8]  permits                ARGV[9]  how many tokens
--   ARGV[10] ttl, ms, > 0           ARGV[11] lease of our place, ms, > 0
--   ARGV[12] serial of this asking  ARGV[13] for how long we have been waiting, µs; '' since now
--   ARGV[14] '1' if we listen to what is published for us, '0' if we only ask again and again
--   returns  1 left | {1, token} it is ours | {0, 1 if first in line, holder or nil, ms left}
--            in line | {-1} not released: held by another value | {-2} held by nobody
local me, verb, held, floor, seconds = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local value, mode, permits, tokens = ARGV[6], ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9])
local own_ttl, lease = tonumber(ARGV[10]), tonumber(ARGV[11])
local moved = false
local answer

-- Each: @return 1 done | 0 others hold it | -1 nobody does
local function give_up(what)
  local holder = redis.pcall('GET', KEYS[1])
  if not holder then return -1 end
  if holder == what then return redis.call('DEL', KEYS[1]) end
  if type(holder) == 'string' then return 0 end
  return drop_share(what)
end
local function keep(what, ttl)
  local holder = redis.pcall('GET', KEYS[1])
  if not holder then return -1 end
  if holder == what then
    -- Never shorter: a late asking must not cut off what was handed over meanwhile.
    if redis.call('PTTL', KEYS[1]) < ttl then redis.call('PEXPIRE', KEYS[1], ttl) end
    return 1
  end
  if type(holder) == 'string' then return 0 end
  local left = (tonumber(redis.call('ZSCORE', KEYS[1], what) or 0)) - now()
  return keep_share(what, math.max(ttl, left))
end
local function leave_line()
  moved = redis.call('ZRANGE', KEYS[3], 0, 0)[1] == me
  step_out(me)
end

if verb == 'leave' then
  leave_line()
  if held ~= '' then give_up(held) end
  answer = 1
else
  local released = verb == 'pass' and give_up(held)
  -- Handed over to us, or an answer was lost.
  if released ~= 1 and keep(value, own_ttl) == 1 then
    step_out(me)
    local token, wrong = draw_tokens(KEYS[2], tokens, floor, seconds)
    return token and {1, token} or wrong
  end
  if released == 0 or released == -1 then
    local place = place_of(me)
    if not place or place.value ~= value then
      leave_line()
      answer = {released == 0 and -1 or -2}
    end
  end
end

if not answer then
  if redis.call('EXISTS', KEYS[3]) == 0 and fits(mode, permits) then
    local token, wrong = draw_tokens(KEYS[2], tokens, floor, seconds)
    if not token then return wrong end
    give(mode, value, own_ttl)
    return {1, token}
  end
  -- Rounded up, as the lease is counted from before this was sent.
  local place = {string.format('%.0f', now() + lease + 1), mode, permits, tokens, ARGV[14],
                 ARGV[12], value}
  redis.call('HSET', KEYS[4], me, table.concat(place, ':'))
  redis.call('ZADD', KEYS[3], 'NX', micros() - (tonumber(ARGV[13]) or 0), me)
  if redis.call('PTTL', KEYS[3]) <= lease then
    redis.call('PEXPIRE', KEYS[3], lease + 1)
    redis.call('PEXPIRE', KEYS[4], lease + 1)
  end
end
