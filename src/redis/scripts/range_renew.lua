-- range_renew: count the ttl of a live hold from now on again. O(log n). Stands behind range_clock,
-- before range_book and range_renew_on.
--   KEYS[1]  '{hr:NAME}', see range_book
--   ARGV[1]  id
--   ARGV[2]  ttl, ms, > 0
--   ARGV[3]  token of the hold that is meant, 7 bytes as in KEYS[1]:h; empty: whichever it is
--   returns  1 renewed, or permanent | -1 no such live hold | -2 it has another token
local old = tonumber(redis.call('ZSCORE', KEYS[1] .. ':x', ARGV[1]) or 0)
if old > 0 then
  local kept = redis.call('HMGET', KEYS[1] .. ':m', 'f', 'n', 'e')
  local now = math.floor(math.max(wall, kept[1] or 0) / 1000)
  local expiry = now + ARGV[2]
  if old > now and old <= expiry and expiry <= tonumber(kept[3] or 0) then
    local record = redis.call('HGET', KEYS[1] .. ':h', ARGV[1])
    if not record then return -1 end
    if ARGV[3] ~= '' and string.sub(record, 10, 16) ~= ARGV[3] then return -2 end
    local place = string.sub(record, 1, string.byte(record) == 0 and 24 or 27)
    if redis.call('ZSCORE', KEYS[1] .. ':s', place .. ARGV[1]) then
      redis.call('ZADD', KEYS[1] .. ':x', expiry, ARGV[1])
      return 1
    end
  end
end
