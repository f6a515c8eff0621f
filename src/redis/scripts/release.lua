-- release: give up a lock that we hold, and hand it over if somebody stands in line for it. O(1),
-- and what hand_over costs. Stands before pass_on and release_on.
--   KEYS[1]  lock; the other keys are made of it, and lie in the same slot of a cluster
--   ARGV[1]  our value
--   returns  1 released | 0 held by another value | -1 held by nobody
-- What is most often asked for comes first, defines no functions, and is asked for in few words:
-- reading seven more costs the server a quarter of what all of it does.
local holder = redis.pcall('GET', KEYS[1])
if not holder then return -1 end
if holder == ARGV[1] then
  if redis.call('EXISTS', KEYS[1] .. ':q') == 0 then return redis.call('DEL', KEYS[1]) end
elseif type(holder) == 'string' then
  return 0
end
