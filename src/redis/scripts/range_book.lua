-- range_book: part of other scripts: what stands of a key, and how holds are written down and put
-- away. Needs range_clock.
--   KEY    '{hr:NAME}'; its keys begin with it, and lie in one slot of a cluster:
--   KEY:s  sorted set, all scores 0, of PLACE and ID, in the order of their bytes. A PLACE is the
--          class (1 byte), start (8), token (7), end (8) and, if the class is not 0, units (3)
--   KEY:x  sorted set of ids, scored with when they expire, in ms; +inf: never
--   KEY:h  hash from ids to the PLACE, the capacity granted under (3 bytes) if its class is not 0,
--          the length of the owner (2), owner and data
--   KEY:m  hash: f last token | n nothing expires before | e until then the keys live |
--          c own capacity, if it is not 1 | k classes in use besides 0, a byte each
-- Class 0 was granted under capacity 1: all of it that stands in KEY:s is disjoint. Class c > 0 was
-- granted under more and has a length in (2^(c-2), 2^(c-1)]. A bound is 8 bytes, the highest first,
-- with its sign turned, so that bytes are ordered as numbers are. s, x and h have a mark, '\255',
-- that is no hold: so they, and their expiry, outlive the last hold.
-- A token is no lower than the clock was in µs: so f tells the latest time that the key has seen.
local never = math.huge
local books = {}

-- The books are new, or were lost without the rest.
local function mend(book)
  local from = '[\1'
  local found
  repeat
    found = redis.call('ZRANGEBYLEX', book.s, from, '(\66', 'LIMIT', 0, 1)[1]
    if found then
      book.classes = book.classes .. string.sub(found, 1, 1)
      from = '[' .. string.char(string.byte(found) + 1)
    end
  until not found
  local last = redis.call('ZREVRANGE', book.x, 0, 0, 'WITHSCORES')[2]
  book.needs = math.max(tonumber(last or 0), book.now + 1)
end

local function book_of(key)
  if books[key] then return books[key] end
  local kept = redis.call('HMGET', key .. ':m', 'f', 'n', 'e', 'c', 'k')
  local last = tonumber(kept[1] or 0)
  local book = {key = key, s = key .. ':s', x = key .. ':x', h = key .. ':h', m = key .. ':m',
                last = last, now = math.floor(math.max(wall, last) / 1000),
                next = tonumber(kept[2] or 0), ends = tonumber(kept[3] or 0), needs = 0, slack = 0,
                capacity = tonumber(kept[4] or 1), classes = kept[5] or ''}
  if not kept[3] then mend(book) end
  books[key] = book
  return book
end

-- @return when it expires; nil if it has, or there is no such hold
local function expiry_of(book, id)
  local expiry = tonumber(redis.call('ZSCORE', book.x, id) or 0)
  return expiry > book.now and expiry or nil
end

-- @param text  What begins with a place: a member of KEY:s, a record of KEY:h.
local function place_of(text)
  return string.sub(text, 1, string.byte(text) == 0 and 24 or 27)
end

-- @return whether it stands where others see it: it does, unless part of the key's keys was lost
local function stands(book, place, id)
  return redis.call('ZSCORE', book.s, place .. id)
end

-- From KEY:s alone.
local function lift(book, place, id)
  redis.call('ZREM', book.s, place .. id)
  local class = string.byte(place)
  if class == 0 then return end
  local from, to = string.char(class), string.char(class + 1)
  if redis.call('ZRANGEBYLEX', book.s, '[' .. from, '(' .. to, 'LIMIT', 0, 1)[1] then return end
  local at = string.find(book.classes, from, 1, true)
  if not at then return end
  book.classes = string.sub(book.classes, 1, at - 1) .. string.sub(book.classes, at + 1)
  book.changed = true
end

local function drop(book, place, id)
  lift(book, place, id)
  redis.call('ZREM', book.x, id)
  redis.call('HDEL', book.h, id)
end

-- Puts away up to `most` of what has run out.
-- @return how many
local function sweep(book, most)
  if book.now < book.next then return 0 end
  local first =
    redis.call('ZRANGEBYSCORE', book.x, 0, '+inf', 'WITHSCORES', 'LIMIT', 0, most + 1)
  local swept = 0
  book.next = never
  for i = 1, #first, 2 do
    book.next = tonumber(first[i + 1])
    if book.next > book.now or swept == most then break end
    local record = redis.call('HGET', book.h, first[i])
    if record then
      drop(book, place_of(record), first[i])
    else
      redis.call('ZREM', book.x, first[i])
    end
    swept = swept + 1
    book.changed = true
    book.next = never
  end
  return swept
end

-- Writes a hold down, or writes it down anew, under a new token.
-- @param rest  What its record has behind the place and the capacity.
local function write_down(book, class, start, stop, units, capacity, id, rest)
  book.last = math.max(wall, book.last + 1)
  local place = class .. start .. struct.pack('>I7', book.last) .. stop
  if class ~= '\0' then
    place = place .. struct.pack('>I3', units)
    rest = struct.pack('>I3', capacity) .. rest
    if not string.find(book.classes, class, 1, true) then book.classes = book.classes .. class end
  end
  redis.call('HSET', book.h, id, place .. rest)
  redis.call('ZADD', book.s, 0, place .. id)
  book.changed = true
  return place .. rest
end

local function expires(book, id, expiry)
  redis.call('ZADD', book.x, expiry, id)
  book.next = math.min(book.next, expiry)
  book.needs = math.max(book.needs, expiry)
  book.changed = true
end

-- The keys live as long as the last hold, and the slack longer, so that the next one has not to see
-- to it.
local function outlive(book)
  redis.call('ZADD', book.s, 0, '\255')
  redis.call('ZADD', book.x, -1, '\255')
  redis.call('HSET', book.h, '\255', '')
  for _, key in ipairs({book.s, book.x, book.h, book.m}) do
    if book.ends == never or key == book.m and book.capacity > 1 then
      redis.call('PERSIST', key)
    else
      redis.call('PEXPIREAT', key, book.ends)
    end
  end
end

-- What every script that changes something ends with. @return `answer`
local function close(answer)
  for _, book in pairs(books) do
    local grows = book.needs > book.ends
    if book.changed then
      if grows then book.ends = book.needs + book.slack end
      redis.call('HSET', book.m, 'f', book.last, 'n', book.next, 'e', book.ends, 'k', book.classes)
      if grows then outlive(book) end
    end
  end
  return answer
end

-- pcall: who may not publish may still hold and release. Those who wait look again by themselves.
-- @param what  'f' freed | 't' taken
local function tell(book, what, place)
  redis.pcall('PUBLISH', book.key .. ':' .. what,
              string.sub(place, 2, 9) .. string.sub(place, 17, 24))
end
