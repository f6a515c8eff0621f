-- acquire_again: take a lock, or recognise that an earlier attempt of ours has taken it. O(1).
--   KEYS[1]  lock key
--   KEYS[2]  fence key
--   ARGV[1]  our value
--   ARGV[2]  ttl, integer milliseconds, > 0
--   ARGV[3]  '1' to draw a token, '0' not to
--   ARGV[4]  the floor: a counter below it was started anew
--   ARGV[5]  how long the counter lives, integer seconds
--   returns  {0} held by another value | {1, token} taken now | {2, token} was ours already
-- What was ours keeps its expiry, so that validity may be counted from before the first attempt.
local verdict = 2
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return {0} end
if not holder then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  verdict = 1
end
if ARGV[3] ~= '1' then return {verdict, 0} end
local counter = tonumber(redis.call('GET', KEYS[2]) or '0')
if counter < tonumber(ARGV[4]) then
  local time = redis.call('TIME')
  redis.call('SET', KEYS[2], time[1] .. string.format('%06d', time[2]), 'EX', ARGV[5])
end
return {verdict, redis.call('INCR', KEYS[2])}
