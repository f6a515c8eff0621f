-- take_away: delete a lock, whoever holds it. O(1); touches its arguments' keys only.
--   KEYS[1]  lock key
--   KEYS[2]  fence key
--   returns  nil if there is no lock, else {value, remaining ms or -1, token or nil}
-- A key of another type fails the GET, so nothing but a lock is ever deleted.
local holder = redis.call('GET', KEYS[1])
if not holder then return nil end
local remaining = redis.call('PTTL', KEYS[1])
local token = redis.call('GET', KEYS[2])
redis.call('DEL', KEYS[1])
return {holder, remaining, token}
