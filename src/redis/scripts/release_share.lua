-- release_share: the end of release, before hand_over.
local me, own_ttl
local moved = false
local answer = holder == ARGV[1] and 1 or drop_share(ARGV[1])
if answer ~= 1 or redis.call('EXISTS', KEYS[3]) == 0 then return answer end
