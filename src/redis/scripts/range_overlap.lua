-- range_overlap: part of other scripts: which live holds overlap a range. O(log n + m) for m such
-- holds, for each class in use. Needs range_book.
-- What has run out is put away when it is met; where `book.reads`, it is passed by.
local page = 100      -- So many are read at once.
local tired_at = 1000  -- So many that have run out are met by one script at most.
local met = 0

-- @return bound - 2^power, at least the least bound
local function lower(bound, power)
  local high, low = struct.unpack('>I4I4', bound)
  if power >= 32 then
    high = high - 2 ^ (power - 32)
  else
    low = low - 2 ^ power
    if low < 0 then high, low = high - 1, low + 4294967296 end
  end
  if high < 0 then return '\0\0\0\0\0\0\0\0' end
  return struct.pack('>I4I4', high, low)
end

-- @return whether the 8 bytes of `text` at `at` are a greater bound than those of `other`
local function above(text, at, other)
  local high, low = struct.unpack('>I4I4', text, at)
  local other_high, other_low = struct.unpack('>I4I4', other)
  return high > other_high or high == other_high and low > other_low
end

-- @return from which start on holds of a class may overlap; nil if none does
local function first_start(book, class, start, stop)
  if class ~= '\0' then return lower(start, string.byte(class) - 1) end
  local below = redis.call('ZREVRANGEBYLEX', book.s, '(\0' .. stop, '-', 'LIMIT', 0, 1)[1]
  if not below or not above(below, 17, start) then return nil end
  below = redis.call('ZREVRANGEBYLEX', book.s, '(\0' .. start, '-', 'LIMIT', 0, 1)[1]
  return below and above(below, 17, start) and string.sub(below, 2, 9) or start
end

-- Calls visit(PLACE, ID, EXPIRY) for those of a class, in order of start and token, until it
-- returns true.
-- @param after  Start and token to begin with, 15 bytes; nil: with the first.
-- @return whether it did, or too many that have run out were met
local function each_of_class(book, class, start, stop, after, visit)
  local first = first_start(book, class, start, stop)
  if not first then return false end
  if after and not above(first, 1, after) then first = after end
  local from, to = '[' .. class .. first, '(' .. class .. stop
  local id_at = class == '\0' and 25 or 28
  repeat
    local members, ids = {}, {}
    local found = redis.call('ZRANGEBYLEX', book.s, from, to, 'LIMIT', 0, page)
    for _, member in ipairs(found) do
      if above(member, 17, start) then
        members[#members + 1] = member
        ids[#ids + 1] = string.sub(member, id_at)
      end
    end
    local expiries = ids[1] and redis.call('ZMSCORE', book.x, unpack(ids))
    for i, id in ipairs(ids) do
      local expiry = tonumber(expiries[i] or 0)
      if expiry > book.now then
        if visit(string.sub(members[i], 1, id_at - 1), id, expiry) then return true end
      else
        if not book.reads then drop(book, string.sub(members[i], 1, id_at - 1), id) end
        met = met + 1
        if met >= tired_at then return true end
      end
    end
    from = '(' .. (found[#found] or '')
  until #found < page
  return false
end

local function each_overlapping(book, start, stop, visit)
  local classes = '\0' .. book.classes
  for i = 1, #classes do
    if each_of_class(book, string.sub(classes, i, i), start, stop, nil, visit) then return end
  end
end

-- @return the most units that are held in any point of `places`
local function peak(places)
  local events = {}
  for _, place in ipairs(places) do
    local units = string.byte(place) == 0 and 1 or struct.unpack('>I3', place, 25)
    local high, low = struct.unpack('>I4I4', place, 2)
    events[#events + 1] = {high, low, units}
    high, low = struct.unpack('>I4I4', place, 17)
    events[#events + 1] = {high, low, -units}
  end
  table.sort(events, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    if a[2] ~= b[2] then return a[2] < b[2] end
    return a[3] < b[3]
  end)
  local most, sum = 0, 0
  for _, event in ipairs(events) do
    sum = sum + event[3]
    most = math.max(most, sum)
  end
  return most
end

-- All that overlap a range overlap in it where they overlap most: none ends before it begins.
-- @param without  The id of a hold that does not count; may be nil.
-- @return whether so many units more fit in; of no meaning once `met` is `tired_at`
local function fits(book, start, stop, units, capacity, without)
  local places, sum = {}, units
  each_overlapping(book, start, stop, function(place, id)
    if id == without then return false end
    places[#places + 1] = place
    sum = sum + (string.byte(place) == 0 and 1 or struct.unpack('>I3', place, 25))
    return capacity == 1
  end)
  return sum <= capacity or capacity > 1 and units + peak(places) <= capacity
end
