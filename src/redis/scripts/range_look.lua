-- range_look: what would be in the way of a hold. O(log n), and O(m) for m holds that overlap where
-- the capacity is above 1, for each class in use. Stands behind range_clock, range_book and
-- range_overlap.
--   KEYS[1]  '{hr:NAME}', see range_book
--   ARGV[1]  start, ARGV[2] end, ARGV[3] id, ARGV[4] units, ARGV[5] capacity or 0 for the key's own
--   returns  {1 if it can be had, or not at all, else 0, ms until the first of those in the way
--             runs out or -1, how many are in the way, the last of their tokens}
--            {-3} much has run out here: have it put away, and ask again
-- It looks at 1000 of those in the way at most; where there are more, the first of all holds of the
-- key that runs out counts.
local most = 1000
local book, start, stop = book_of(KEYS[1]), ARGV[1], ARGV[2]
local units, capacity = tonumber(ARGV[4]), tonumber(ARGV[5])
book.reads = true
if capacity == 0 then capacity = book.capacity end
local free = expiry_of(book, ARGV[3]) or units > capacity
             or fits(book, start, stop, units, capacity)
local first, count, last = never, 0, 0
each_overlapping(book, start, stop, function(place, id, expiry)
  first = math.min(first, expiry)
  count = count + 1
  last = math.max(last, (struct.unpack('>I7', place, 10)))
  return count == most
end)
if met >= tired_at then return {-3} end
if count == most then
  first = redis.call('ZRANGEBYSCORE', book.x, '(' .. book.now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  first = tonumber(first[2])
end
return {free and 1 or 0, first == never and -1 or first - book.now, count, last}
