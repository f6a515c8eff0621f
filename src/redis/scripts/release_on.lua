-- release_on: the rest of release: with several holders, or where somebody stands in line. Stands
-- behind pass_on, and before shares, tokens, holding, places, release_share and hand_over.
local floor, seconds = 1000000000000000, '86400'  -- As all callers have them.
if holder == ARGV[1] then
  local time = redis.call('TIME')
  local passed, foreign = pass_on(KEYS[1], time[1] * 1000000 + time[2], floor)
  if passed then return 1 end
  redis.call('DEL', KEYS[1])
  if foreign then return 1 end
end
local KEYS = {KEYS[1], KEYS[1] .. ':f', KEYS[1] .. ':q', KEYS[1] .. ':w'}
