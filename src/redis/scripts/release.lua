-- release: give up a lock that we hold, and hand it over if somebody stands in line for it. O(1),
-- and what hand_over costs. Stands before shares, tokens, holding, places, release_share and
-- hand_over.
--   KEYS     lock, fence, line, waiters
--   ARGV[1]  our value
--   ARGV[2]  the floor, ARGV[3] seconds, as tokens has them
--   returns  1 released | 0 held by another value | -1 held by nobody
-- What is most often asked for comes first, and defines no functions.
local holder = redis.pcall('GET', KEYS[1])
if not holder then return -1 end
if holder == ARGV[1] then
  redis.call('DEL', KEYS[1])
  if redis.call('EXISTS', KEYS[3]) == 0 then return 1 end
elseif type(holder) == 'string' then
  return 0
end
