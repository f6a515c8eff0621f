-- range_usual: the begin of range_hold: one hold, capacity 1, a key that is in use, nothing in the
-- way and nothing to put away. O(log n). Stands behind range_clock, before range_book; arguments as
-- range_hold has them, keys as range_book has them.
-- What is most often asked for comes first and defines no functions: that takes longer than this.
if not KEYS[2] and ARGV[5] == '1' then
  local books, start, stop = KEYS[1] .. ':m', ARGV[1], ARGV[2]
  local kept = redis.call('HMGET', books, 'f', 'n', 'e', 'c', 'k')
  local next, ends = tonumber(kept[2] or 0), tonumber(kept[3] or 0)
  local token = math.max(wall, (kept[1] or 0) + 1)
  local now = math.floor(token / 1000)
  local expiry = now + ARGV[7]
  if now < next and next <= expiry and expiry <= ends and kept[5] == '' and
     (ARGV[6] == '1' or ARGV[6] == '0' and not kept[4]) then
    local below =
      redis.call('ZREVRANGEBYLEX', KEYS[1] .. ':s', '(\0' .. stop, '-', 'LIMIT', 0, 1)[1]
    local free = not below
    if below then
      local high, low = struct.unpack('>I4I4', start)
      local end_high, end_low = struct.unpack('>I4I4', below, 17)
      free = end_high < high or end_high == high and end_low <= low
    end
    local place = '\0' .. start .. struct.pack('>I7', token) .. stop
    if free and redis.call('HSETNX', KEYS[1] .. ':h', ARGV[4], place .. ARGV[8]) == 1 then
      redis.call('ZADD', KEYS[1] .. ':s', '0', place .. ARGV[4])
      redis.call('ZADD', KEYS[1] .. ':x', expiry, ARGV[4])
      redis.call('HSET', books, 'f', token)
      redis.pcall('PUBLISH', KEYS[1] .. ':t', start .. stop)
      return {1, token}
    end
  end
end
