-- take_keys: take all of the keys, or none. O(number of keys).
--   KEYS      lock keys; behind them, if a token is asked for, the fence key
--   ARGV[1]   our value
--   ARGV[2]   ttl, integer milliseconds, > 0
--   ARGV[3]   '1' if an earlier attempt of ours may have taken them, else '0'
--   ARGV[4]   the floor of the fence counter, or '' for no token
--   ARGV[5]   how long the counter lives, integer seconds
--   returns   {1, token} taken now | {2, token} were ours already
--             {0, value, remaining ms} somebody else has one | {-1, type, key} one is no string
-- What was ours keeps its expiry, so that validity may be counted from before the first attempt.
local fenced = ARGV[4] ~= ''
local locks = fenced and #KEYS - 1 or #KEYS
local verdict = 1
for i = 1, locks do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind == 'string' then
    local holder = redis.call('GET', KEYS[i])
    if holder ~= ARGV[1] or ARGV[3] ~= '1' then
      return {0, holder, redis.call('PTTL', KEYS[i])}
    end
    verdict = 2
  elseif kind ~= 'none' then
    return {-1, kind, KEYS[i]}
  end
end
-- The token first: what fails must not leave a lock behind.
local token = 0
if fenced then
  local fence = KEYS[#KEYS]
  if tonumber(redis.call('GET', fence) or '0') < tonumber(ARGV[4]) then
    local time = redis.call('TIME')
    redis.call('SET', fence, time[1] .. string.format('%06d', time[2]), 'EX', ARGV[5])
  end
  token = redis.call('INCR', fence)
end
for i = 1, locks do redis.call('SET', KEYS[i], ARGV[1], 'NX', 'PX', ARGV[2]) end
return {verdict, token}
