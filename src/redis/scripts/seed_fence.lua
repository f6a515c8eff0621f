-- seed_fence: put the server's clock under a counter that was started anew. O(1). Stands behind
-- tokens.
--   KEYS[1]  lock key
--   KEYS[2]  fence key
--   ARGV[1]  our value, or '' for one who was refused the lock
--   ARGV[2]  the floor, ARGV[3] seconds, as tokens has them
--   returns  our token | 0 for one who was refused | -1 others hold the lock | -2 nobody does
-- The holder asks before its grant counts: were the lock not ours any more, the token would be
-- higher than that of whoever holds it now. The counter gets its clock, and its expiry, anyway.
local holder = redis.pcall('GET', KEYS[1])
local token, wrong = draw_tokens(KEYS[2], 1, ARGV[2], ARGV[3])
if not token then return wrong end
if ARGV[1] == '' then return 0 end
if holder == ARGV[1] then return token end
return holder and -1 or -2
