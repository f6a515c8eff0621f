-- range_hold: make all of the holds, or none. O(log n + m) for m holds that overlap, for each class
-- in use. Stands behind range_clock, range_usual, range_book, range_overlap and range_window.
--   KEYS     of each hold: '{hr:NAME}', see range_book
--   ARGV     of each hold: start, end, the class of its length, id, units, capacity or 0 for the
--            key's own, ttl in ms > 0, and what its record has behind the capacity
--   returns  {1, token...} | {0, n, {record, id, ms left or -1}...} those in the way of the n-th
--            {-1, n, capacity} the n-th wants more than that | {-2, n} its id is another hold
--            {-4, n} its id is a permanent hold
--            {-3} much has run out here and was put away: ask again
local claims = {}
for i, key in ipairs(KEYS) do
  local at = 8 * i - 8
  local claim = {book = book_of(key), start = ARGV[at + 1], stop = ARGV[at + 2],
                 class = ARGV[at + 3], id = ARGV[at + 4], units = tonumber(ARGV[at + 5]),
                 capacity = tonumber(ARGV[at + 6]), ttl = tonumber(ARGV[at + 7]),
                 rest = ARGV[at + 8]}
  local book = claim.book
  sweep(book, 2)
  if claim.capacity == 0 then claim.capacity = book.capacity end
  local record = redis.call('HGET', book.h, claim.id)
  claim.expiry = record and stands(book, place_of(record), claim.id) and expiry_of(book, claim.id)
  if claim.expiry then
    local place = place_of(record)
    local units = #place == 24 and 1 or struct.unpack('>I3', place, 25)
    if string.sub(place, 2, 9) ~= claim.start or string.sub(place, 17, 24) ~= claim.stop or
       units ~= claim.units then
      return close({-2, i})
    end
    if claim.expiry == never then return close({-4, i}) end
    claim.token = struct.unpack('>I7', place, 10)
  else
    if record then drop(book, place_of(record), claim.id) end
    if claim.units > claim.capacity then return close({-1, i, claim.capacity}) end
    local free = fits(book, claim.start, claim.stop, claim.units, claim.capacity)
    local blockers = free and {} or window(book, claim.start, claim.stop, nil, 16)
    if met >= tired_at then return close({-3}) end
    if not free then
      local answer = {0, i}
      describe(book, blockers, 16, never, answer)
      return close(answer)
    end
  end
  claims[i] = claim
end
local answer = {1}
for _, claim in ipairs(claims) do
  local book = claim.book
  local expiry = book.now + claim.ttl
  if claim.token then
    expiry = math.max(expiry, claim.expiry)
  else
    local class = claim.capacity == 1 and '\0' or claim.class
    local place = write_down(book, class, claim.start, claim.stop, claim.units, claim.capacity,
                             claim.id, claim.rest)
    claim.token = book.last
    tell(book, 't', place)
  end
  book.slack = math.max(book.slack, math.min(claim.ttl, 60000))
  expires(book, claim.id, expiry)
  answer[#answer + 1] = claim.token
end
return close(answer)
