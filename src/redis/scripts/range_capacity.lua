-- range_capacity: set how many units a key has room for, for what is asked for from now on. O(1).
-- Stands behind range_clock and range_book.
--   KEYS[1]  '{hr:NAME}', see range_book
--   ARGV[1]  units, > 0
--   returns  1
local book, units = book_of(KEYS[1]), tonumber(ARGV[1])
if units > 1 then
  redis.call('HSET', book.m, 'c', units)
  redis.call('PERSIST', book.m)
else
  redis.call('HDEL', book.m, 'c')
  -- What is left of the books may go with the holds, or, if there are none, when the clock has
  -- passed the last token.
  if book.ends < never then
    redis.call('PEXPIREAT', book.m, math.max(book.ends, book.now + 60000))
  end
end
if units ~= book.capacity then
  tell(book, 'f', '\0' .. string.rep('\0', 15) .. string.rep('\255', 8))
end
return 1
