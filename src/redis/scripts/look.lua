-- look: tell of a lock that several may hold. Reads only; O(log n), with an id O(n).
--   KEYS[1]  lock key: a sorted set, see shares; or a string by now
--   ARGV[1]  the id of the holder to tell of, if it is among them; '' for any
--   returns  nil if nobody holds it
--            {value, ms left, 'x' exclusive or 's' shared or 'c' counted, number of holders}
local holder = redis.pcall('GET', KEYS[1])
if not holder then return nil end
if type(holder) == 'string' then return {holder, redis.call('PTTL', KEYS[1]), 'x', 1} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local after = '(' .. string.format('%.0f', now)
local found = redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', after, 'WITHSCORES', 'LIMIT', 0, 1)
if #found == 0 then return nil end
if ARGV[1] ~= '' then
  local all = redis.call('ZRANGEBYSCORE', KEYS[1], after, '+inf', 'WITHSCORES')
  for i = 1, #all, 2 do
    if all[i] == ARGV[1] or string.sub(all[i], 1, #ARGV[1] + 1) == ARGV[1] .. '|' then
      found = {all[i], all[i + 1]}
    end
  end
end
local kind = redis.call('ZSCORE', KEYS[1], '#counted') and 'c' or 's'
return {found[1], found[2] - now, kind, redis.call('ZCOUNT', KEYS[1], after, '+inf')}
