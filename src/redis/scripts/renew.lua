-- renew: count a lease that we still hold from now on again. O(1); touches KEYS[1] only.
--   KEYS[1]  lock key
--   ARGV[1]  our value
--   ARGV[2]  ttl, integer milliseconds, > 0
--   returns  1 renewed | 0 held by another value | -1 no such key
-- PEXPIRE, not SET: it works when the server's memory is full.
local holder = redis.call('GET', KEYS[1])
if not holder then return -1 end
if holder ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
