-- range_confirm: make a live hold permanent. O(log n). Stands behind range_clock and range_book.
--   KEYS[1]  '{hr:NAME}', see range_book
--   ARGV[1]  id
--   ARGV[2]  token of the hold that is meant, 7 bytes as in KEYS[1]:h; empty: whichever it is
--   returns  {record, -1} | nil if it is not live | 0 it has another token, and stays as it is
local book, id = book_of(KEYS[1]), ARGV[1]
local record = redis.call('HGET', book.h, id)
if not record then return nil end
if expiry_of(book, id) and stands(book, place_of(record), id) then
  if ARGV[2] ~= '' and string.sub(record, 10, 16) ~= ARGV[2] then return 0 end
  expires(book, id, never)
  return close({record, -1})
end
drop(book, place_of(record), id)
return close(nil)
