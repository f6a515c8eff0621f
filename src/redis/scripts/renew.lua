-- renew: count a lease that we still hold from now on again. O(1), with several holders O(log n);
-- touches KEYS[1] only. Stands before shares, renew_share.
--   KEYS[1]  lock key
--   ARGV[1]  our value
--   ARGV[2]  ttl, integer milliseconds, > 0
--   returns  1 renewed | 0 held by another value | -1 held by nobody
-- PEXPIRE, not SET: it works when the server's memory is full.
local holder = redis.pcall('GET', KEYS[1])
if not holder then return -1 end
if holder == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if type(holder) == 'string' then return 0 end
