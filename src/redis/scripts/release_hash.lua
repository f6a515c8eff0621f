-- release_hash: delete a lock that we hold. O(1).
--   KEYS[1]   lock key, a hash
--   ARGV[1]   our id
--   returns   1 released | 0 held by another id | -1 no such key
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
