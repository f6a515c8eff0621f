-- release_share: the rest of release: with several holders, or where somebody stands in line.
local floor, seconds = '1000000000000000', '86400'  -- As all callers have them.
local me, own_ttl
local moved = false
local answer = holder == ARGV[1] and 1 or drop_share(ARGV[1])
if answer ~= 1 or redis.call('EXISTS', KEYS[3]) == 0 then return answer end
