-- raise_token: lift a fence counter to a token that another server has drawn. O(1).
--   KEYS[1]  lock key
--   KEYS[2]  fence key
--   ARGV[1]  the value that has to hold the lock, or '' for whoever does, or nobody
--   ARGV[2]  the token, an integer that is not below the floor
--   ARGV[3]  how long a counter that was lifted lives, integer seconds
--   returns  1 the counter is not below the token | 0 held by another value | -1 held by nobody
-- What is lifted lives anew: the token may come from a clock that is ahead of this one, which has
-- passed it when the counter goes.
local holder = redis.pcall('GET', KEYS[1])
if ARGV[1] ~= '' and holder ~= ARGV[1] then return holder and 0 or -1 end
local last = redis.call('GET', KEYS[2])
if not last or tonumber(last) < tonumber(ARGV[2]) then
  redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
end
return 1
