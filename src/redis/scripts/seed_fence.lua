-- seed_fence: put the server's clock under a counter that was started anew. O(1).
--   KEYS[1]  lock key
--   KEYS[2]  fence key
--   ARGV[1]  our value, or '' for one who was refused the lock
--   ARGV[2]  the floor: a counter below it was started anew
--   ARGV[3]  how long the counter lives, integer seconds
--   returns  our token | 0 for one who was refused | -1 the lock is not ours any more
-- The holder asks before its grant counts: were the lock not ours any more, the token would be
-- higher than that of whoever holds it now.
if ARGV[1] ~= '' and redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local counter = tonumber(redis.call('GET', KEYS[2]) or '0')
if counter < tonumber(ARGV[2]) then
  local time = redis.call('TIME')
  -- As text: a Lua number would be written in scientific notation.
  local clock = time[1] .. string.format('%06d', time[2])
  redis.call('SET', KEYS[2], clock, 'EX', ARGV[3])
end
if ARGV[1] == '' then return 0 end
return redis.call('INCR', KEYS[2])
