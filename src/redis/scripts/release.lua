-- release: delete a lock that we hold. O(1); touches KEYS[1] only.
--   KEYS[1]  lock key
--   ARGV[1]  our value
--   returns  1 released | 0 held by another value | -1 no such key
local holder = redis.call('GET', KEYS[1])
if not holder then return -1 end
if holder ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
