-- release_keys: delete those of the keys that are ours. O(number of keys).
--   KEYS      lock keys
--   ARGV[1]   our value
--   returns   1 all were ours | 0 somebody else has one | -1 one was not there
-- A key of another type is an error, which keeps none of the others.
local verdict = 1
local wrong = nil
for i = 1, #KEYS do
  local holder = redis.pcall('GET', KEYS[i])
  if holder == ARGV[1] then
    redis.call('DEL', KEYS[i])
  elseif type(holder) == 'table' then
    wrong = holder
  elseif holder then
    verdict = 0
  elseif verdict == 1 then
    verdict = -1
  end
end
return wrong or verdict
