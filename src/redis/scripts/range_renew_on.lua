-- range_renew_on: the rest of range_renew: a hold that has run out, is permanent, will end earlier
-- than before, or later than its keys do, or part of what is known of it was lost.
local book, id, ttl = book_of(KEYS[1]), ARGV[1], tonumber(ARGV[2])
local record = redis.call('HGET', book.h, id)
if not record then return -1 end
local old = expiry_of(book, id)
if not old or not stands(book, place_of(record), id) then
  drop(book, place_of(record), id)
  return close(-1)
end
if ARGV[3] ~= '' and string.sub(record, 10, 16) ~= ARGV[3] then return -2 end
if old == never then return 1 end
book.slack = math.min(ttl, 60000)
expires(book, id, book.now + ttl)
if book.now + ttl < old then tell(book, 'f', record) end
return close(1)
