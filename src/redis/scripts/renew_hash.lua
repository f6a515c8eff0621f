-- renew_hash: count a lease that we still hold from now on again. O(1).
--   KEYS[1]   lock key, a hash
--   ARGV[1]   our id
--   ARGV[2]   ttl, integer milliseconds, > 0
--   returns   1 renewed | 0 held by another id | -1 no such key
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
