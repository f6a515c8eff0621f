-- range_release: end a hold. O(log n). Stands behind range_clock, before range_book and
-- range_release_on.
--   KEYS[1]  '{hr:NAME}', see range_book
--   ARGV[1]  id
--   ARGV[2]  'any' | 'passing': not if it is permanent
--   ARGV[3]  token of the hold that is meant, 7 bytes as in KEYS[1]:h; empty: whichever it is
--   returns  1 released | -1 no such live hold | -2 it is permanent, and stays | -3 it has another
--            token, and stays
local record = redis.call('HGET', KEYS[1] .. ':h', ARGV[1])
if not record then return -1 end
local expiry = tonumber(redis.call('ZSCORE', KEYS[1] .. ':x', ARGV[1]) or 0)
if string.byte(record) == 0 and expiry < math.huge then
  local seen = redis.call('HGET', KEYS[1] .. ':m', 'f')
  if expiry > math.floor(math.max(wall, seen or 0) / 1000) then
    if ARGV[3] ~= '' and string.sub(record, 10, 16) ~= ARGV[3] then return -3 end
    redis.call('ZREM', KEYS[1] .. ':s', string.sub(record, 1, 24) .. ARGV[1])
    redis.call('ZREM', KEYS[1] .. ':x', ARGV[1])
    redis.call('HDEL', KEYS[1] .. ':h', ARGV[1])
    redis.pcall('PUBLISH', KEYS[1] .. ':f',
                string.sub(record, 2, 9) .. string.sub(record, 17, 24))
    return 1
  end
end
