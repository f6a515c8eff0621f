-- line: ask for a lock and stand in line for it, pass it on, or leave. O(log of the line), and what
-- hand_over costs. Stands behind line_head, shares, tokens, holding and places, and before
-- hand_over and line_answer.
local value, mode, permits, tokens, own_ttl
if wish then
  local wanted = {string.match(wish, '^(%a):(%d+):(%d+):%d:%d+:(.*)$')}
  mode, permits, tokens, value = wanted[1], tonumber(wanted[2]), tonumber(wanted[3]), wanted[4]
  own_ttl = tonumber(ARGV[5])
end
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
  if not place then look_at_clock() end
  stand_in_line()
  -- Who shares the lock with those who hold it waits for the first of the line alone: whose process
  -- is gone does not hear that it is asked for.
  if mode ~= 'x' and fits(mode, permits) then
    local ahead = redis.call('ZRANGE', KEYS[3], 0, 0)[1]
    local theirs = ahead ~= me and place_of(ahead)
    if theirs and not tell(ahead, theirs, '?') then
      step_out(ahead)
      moved = true
    end
  end
end
