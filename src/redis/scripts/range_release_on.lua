-- range_release_on: the rest of range_release: a hold that has run out, is permanent, or was not
-- granted under capacity 1.
local book, id = book_of(KEYS[1]), ARGV[1]
local live = expiry > book.now
if expiry == never and ARGV[2] == 'passing' then return close(-2) end
if live and ARGV[3] ~= '' and string.sub(record, 10, 16) ~= ARGV[3] then return close(-3) end
drop(book, place_of(record), id)
if expiry == never then
  -- Was it the last one for which the keys were kept?
  local last = tonumber(redis.call('ZREVRANGE', book.x, 0, 0, 'WITHSCORES')[2] or 0)
  if last < never then
    book.ends, book.needs, book.changed = 0, math.max(last, book.now + 1), true
  end
end
if live then tell(book, 'f', record) end
return close(live and 1 or -1)
