-- guard: remember this run of the server, and tell how long it grants nothing. O(1).
--   KEYS[1]  where the run is kept: once for the whole server
--   ARGV[1]  the run's id, 40 hex digits
--   ARGV[2]  for how long it grants nothing if nobody has met it before, integer milliseconds
--   ARGV[3]  the longest time for which it ever grants nothing, integer milliseconds
--   returns  how many milliseconds are left of that, 0: none
-- What is kept came with the data: after a restart, or in a replica that was made the master, it is
-- another run's, or nothing.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call('GET', KEYS[1])
if kept then
  local run, ends = string.match(kept, '^(%x+) (%d+)$')
  if run == ARGV[1] then return math.min(math.max(tonumber(ends) - now, 0), tonumber(ARGV[3])) end
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. string.format('%.0f', now + ARGV[2]))
return tonumber(ARGV[2])
