-- pass_on: part of other scripts, before the rest of them: the way that nearly all hand-overs go.
-- O(log of the line). docs/internals/waiting.md has what it saves.
--   lock      a lock that is the caller's, held exclusively; `:f`, `:q` and `:w` lie behind it
--   micros    the server's clock, µs
--   floor     as tokens has it
--   me        who is to stand in line since `came`, µs, with `place` as places has it; nil: nobody
-- Gives it to the first of the line, as hand_over does, if that one and who is the first then are
-- alive, and it wants it exclusively.
-- @return its value, for how many ms it has it, and whether `me` is the first now; or nil: then
--         the longer way has to be gone, and nothing but the fence counter has changed; behind it
--         true: the line is a key of somebody else's
local function pass_on(lock, micros, floor, me, came, place)
  local line, waiters = lock .. ':q', lock .. ':w'
  if me and redis.call('ZADD', line, 'NX', came, me) == 0 then return nil end
  local function give_up()
    if me then redis.call('ZREM', line, me) end
  end
  local ahead = redis.pcall('ZRANGE', line, '0', '1')
  if ahead.err then
    if string.sub(ahead.err, 1, 9) == 'WRONGTYPE' then return nil, true end
    return redis.call('ZRANGE', line, '0', '1')  -- Fails, with the server's own words.
  end
  local first, second = ahead[1], ahead[2]
  if first == me then return give_up() end
  local now = math.floor(micros / 1000)
  local expiry, tokens, listens, serial, value = string.match(
    redis.call('HGET', waiters, first) or '', '^(%d+):x:%d+:(%d+):(%d):(%d+):(.*)$')
  if not expiry or tonumber(expiry) <= now then return give_up() end
  local token = tonumber(tokens)
  if token > 0 then
    local last = redis.pcall('INCRBY', lock .. ':f', tokens)
    if type(last) == 'table' or last < floor then return give_up() end
    token = last - token + 1
  end
  if second and second ~= me then
    local till, hears = string.match(
      redis.call('HGET', waiters, second) or '', '^(%d+):%a:%d+:%d+:(%d):')
    if not till or tonumber(till) <= now then return give_up() end
    local channel, number = string.match(second, '^(.*)%.(%d+)$')
    if redis.pcall('PUBLISH', channel, number .. ' h') == 0 and hears == '1' then
      return give_up()
    end
  end
  local channel, number = string.match(first, '^(.*)%.(%d+)$')
  local words = string.format('%s g %s %.0f', number, serial, token)
  if redis.pcall('PUBLISH', channel, words) == 0 and listens == '1' then return give_up() end
  redis.call('SET', lock, value, 'PX', expiry - now)
  if me then redis.call('HSET', waiters, me, place) end
  redis.call('ZREM', line, first)
  redis.call('HDEL', waiters, first)
  return value, expiry - now, second == me
end
