-- release_share: the rest of release: with several holders, or where somebody stands in line.
local floor, seconds = ARGV[2], ARGV[3]
local me, own_ttl
local moved = false
local answer = holder == ARGV[1] and 1 or drop_share(ARGV[1])
if answer ~= 1 or redis.call('EXISTS', KEYS[3]) == 0 then return answer end
