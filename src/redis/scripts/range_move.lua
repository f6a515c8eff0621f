-- range_move: move a live hold to another range of its key. O(log n + m) for m holds that overlap,
-- for each class in use. Stands behind range_clock, range_book, range_overlap and range_window.
--   KEYS[1]  '{hr:NAME}', see range_book
--   ARGV[1]  id
--   ARGV[2]  start, ARGV[3] end, ARGV[4] the class of the length
--   ARGV[5]  token of the hold that is meant, 7 bytes as in KEYS[1]:h; empty: whichever it is
--   returns  {1, record, ms left or -1} | {0, {record, id, ms left or -1}...} those in the way
--            {-1} no such live hold | {-2, units, capacity} it has more than the key has now
--            {-3} much has run out here and was put away: ask again
--            {-4} it has another token, and stays as it is; where it is there already, it does not
local book, id, start, stop, class = book_of(KEYS[1]), ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local record = redis.call('HGET', book.h, id)
if not record then return {-1} end
local expiry = expiry_of(book, id)
local place = place_of(record)
if not expiry or not stands(book, place, id) then
  drop(book, place, id)
  return close({-1})
end
local left = expiry == never and -1 or expiry - book.now
if string.sub(place, 2, 9) == start and string.sub(place, 17, 24) == stop then
  return {1, record, left}
end
if ARGV[5] ~= '' and string.sub(place, 10, 16) ~= ARGV[5] then return {-4} end
-- The key's own capacity counts, whatever it was granted under: others may rely on being alone.
local units, capacity, rest = 1, book.capacity, string.sub(record, 25)
if #place > 24 then
  units, rest = struct.unpack('>I3', record, 25), string.sub(record, 31)
end
if units > capacity then return close({-2, units, capacity}) end
local free = fits(book, start, stop, units, capacity, id)
local blockers = free and {} or window(book, start, stop, nil, 16, id)
if met >= tired_at then return close({-3}) end
if not free then
  local answer = {0}
  describe(book, blockers, 16, never, answer)
  return close(answer)
end
lift(book, place, id)
if capacity == 1 then class = '\0' end
record = write_down(book, class, start, stop, units, capacity, id, rest)
tell(book, 'f', place)
tell(book, 't', record)
return close({1, record, left})
