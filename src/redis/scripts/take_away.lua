-- take_away: delete a lock, whoever holds it, and hand it over if somebody stands in line for it.
-- O(number of holders), and what hand_over costs. Stands between shares, tokens, holding, places
-- and hand_over.
--   KEYS     lock, fence, line, waiters
--   ARGV[1]  the floor, ARGV[2] seconds, as tokens has them
--   ARGV[3]  the channel of those who watch
--   returns  nil if there is no lock, else {value, remaining ms or -1, token or nil,
--            'x' exclusive or 's' shared or 'c' counted, number of holders, length of the line}
-- A key of another type fails, so nothing but a lock is ever deleted. Those who watch are told, if
-- the user may publish there.
local floor, seconds = ARGV[1], ARGV[2]
local me, own_ttl
local moved = false
local kind, holders = look()
if kind == 'free' then return nil end
local holder, left = holder_for('x')
local token = redis.pcall('GET', KEYS[2])
if type(token) ~= 'string' then token = false end
local answer = {holder, left, token, kind, holders, redis.call('ZCARD', KEYS[3])}
redis.call('DEL', KEYS[1])
redis.pcall('PUBLISH', ARGV[3], KEYS[1])
if redis.call('EXISTS', KEYS[3]) == 0 then return answer end
