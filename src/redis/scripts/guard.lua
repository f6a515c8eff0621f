-- guard: remember this run of the server, and tell how long it grants nothing. O(1).
--   KEYS[1]  where the run is kept: once for the whole server
--   ARGV[1]  the run's id, hex digits
--   ARGV[2]  for how long it grants nothing if another run was met last, integer milliseconds
--   ARGV[3]  the longest time for which it ever grants nothing, integer milliseconds
--   returns  how many milliseconds are left of that, 0: none
-- What is kept came with the data: after a restart, or in a replica that was made the master, it is
-- another run's, or nothing. Where it is nothing, the data may be that of any server, however long
-- this one has been running.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call('GET', KEYS[1])
if kept then
  local run, ends = string.match(kept, '^(%x+) (%d+)$')
  if run == ARGV[1] then return math.min(math.max(tonumber(ends) - now, 0), tonumber(ARGV[3])) end
end
local rest = kept and ARGV[2] or ARGV[3]
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. string.format('%.0f', now + rest))
return tonumber(rest)
