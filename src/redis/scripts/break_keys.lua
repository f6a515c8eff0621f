-- break_keys: delete the keys, whoever has them. O(number of keys).
--   KEYS      lock keys
--   returns   nil if there is none, else {value, remaining ms or -1} of the first that there is
-- A key of another type fails its GET before anything is deleted.
local found = false
for i = 1, #KEYS do
  local holder = redis.call('GET', KEYS[i])
  if holder and not found then found = {holder, redis.call('PTTL', KEYS[i])} end
end
for i = 1, #KEYS do redis.call('DEL', KEYS[i]) end
return found
