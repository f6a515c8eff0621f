-- renew_keys: count a lease on all of the keys from now on again, if all are ours. O(keys).
--   KEYS      lock keys
--   ARGV[1]   our value
--   ARGV[2]   ttl, integer milliseconds, > 0
--   returns   1 renewed | 0 somebody else has one | -1 one is not there
for i = 1, #KEYS do
  local holder = redis.call('GET', KEYS[i])
  if not holder then return -1 end
  if holder ~= ARGV[1] then return 0 end
end
for i = 1, #KEYS do redis.call('PEXPIRE', KEYS[i], ARGV[2]) end
return 1
