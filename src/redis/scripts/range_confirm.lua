-- range_confirm: make a live hold permanent. O(log n). Stands behind range_clock and range_book.
--   KEYS[1]  '{hr:NAME}', see range_book
--   ARGV[1]  id
--   returns  {record, -1} | nil if it is not live
local book, id = book_of(KEYS[1]), ARGV[1]
local record = redis.call('HGET', book.h, id)
if not record then return nil end
if expiry_of(book, id) then
  expires(book, id, never)
  return close({record, -1})
end
drop(book, place_of(record), id)
return close(nil)
