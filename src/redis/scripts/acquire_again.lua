-- acquire_again: take a lock, or recognise that an earlier attempt of ours has taken it. O(1).
-- Stands behind tokens.
--   KEYS[1]  lock key
--   KEYS[2]  fence key
--   ARGV[1]  our value
--   ARGV[2]  ttl, integer milliseconds, > 0
--   ARGV[3]  '1' to draw a token, '0' not to
--   ARGV[4]  the floor, ARGV[5] seconds, as tokens has them
--   returns  {0} in the way: another value, or no lock | {1, token} taken now
--            {2, token} was ours already
-- What was ours keeps its expiry, so that validity may be counted from before the first attempt.
local holder = redis.pcall('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return {0} end
local token, wrong = draw_tokens(KEYS[2], tonumber(ARGV[3]), ARGV[4], ARGV[5])
if not token then return wrong end
if holder then return {2, token} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {1, token}
