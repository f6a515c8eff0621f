-- break_hash: delete a lock, whoever holds it. O(1).
--   KEYS[1]   lock key, a hash
--   returns   nil if there is no lock, else {id, remaining ms or -1, owner}
if redis.call('EXISTS', KEYS[1]) == 0 then return nil end
local holder = redis.call('HMGET', KEYS[1], 'id', 'owner')
local remaining = redis.call('PTTL', KEYS[1])
redis.call('DEL', KEYS[1])
return {holder[1] or '', remaining, holder[2] or ''}
