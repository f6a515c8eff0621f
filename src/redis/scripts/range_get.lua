-- range_get: tell of a hold. O(log n). Stands behind range_clock.
--   KEYS[1]  '{hr:NAME}', see range_book
--   ARGV[1]  id
--   returns  {record, ms left or -1} | nil if it is not live
local expiry = tonumber(redis.call('ZSCORE', KEYS[1] .. ':x', ARGV[1]) or 0)
local seen = tonumber(redis.call('HGET', KEYS[1] .. ':m', 'f') or 0)
local now = math.floor(math.max(wall, seen) / 1000)
local record = expiry > now and redis.call('HGET', KEYS[1] .. ':h', ARGV[1])
if not record then return nil end
return {record, expiry == math.huge and -1 or expiry - now}
