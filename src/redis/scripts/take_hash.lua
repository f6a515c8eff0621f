-- take_hash: take a lock that is a hash with the fields id and owner. O(1).
--   KEYS[1]   lock key
--   KEYS[2]   fence key, if a token is asked for
--   ARGV[1]   our id
--   ARGV[2]   ttl, integer milliseconds, > 0
--   ARGV[3]   '1' if an earlier attempt of ours may have taken it, else '0'
--   ARGV[4]   the floor of the fence counter, or '' for no token
--   ARGV[5]   how long the counter lives, integer seconds
--   ARGV[6]   owner
--   returns   as take_keys; who has it is told as {0, id, remaining ms, owner}
local verdict = 2
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'hash' then
  local holder = redis.call('HMGET', KEYS[1], 'id', 'owner')
  if holder[1] ~= ARGV[1] or ARGV[3] ~= '1' then
    return {0, holder[1] or '', redis.call('PTTL', KEYS[1]), holder[2] or ''}
  end
elseif kind == 'none' then
  verdict = 1
else
  return {-1, kind, KEYS[1]}
end
-- The token first: what fails must not leave a lock behind.
local token = 0
if ARGV[4] ~= '' then
  local counter = tonumber(redis.call('GET', KEYS[2]) or '0')
  if counter < tonumber(ARGV[4]) then
    local time = redis.call('TIME')
    local clock = time[1] .. string.format('%06d', time[2])
    redis.call('SET', KEYS[2], clock, 'EX', ARGV[5])
  end
  token = redis.call('INCR', KEYS[2])
end
if verdict == 1 then
  redis.call('HMSET', KEYS[1], 'id', ARGV[1], 'owner', ARGV[6])
  local limited = redis.pcall('PEXPIRE', KEYS[1], ARGV[2])
  if limited ~= 1 then
    redis.call('DEL', KEYS[1])
    return limited
  end
end
return {verdict, token}
