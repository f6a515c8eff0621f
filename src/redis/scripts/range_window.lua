-- range_window: part of other scripts: the live holds that overlap a range, over all classes in
-- order. O(log n + m) for m that are asked for, for each class in use. Needs range_overlap.

-- @param after    Start and token to begin with, 15 bytes; nil: with the first.
-- @param without  The id of a hold that does not count; may be nil.
-- @return up to `limit` + 1 {start's high half, its low half, token, ID, EXPIRY}, in order
local function window(book, start, stop, after, limit, without)
  local all = {}
  local classes = '\0' .. book.classes
  for i = 1, #classes do
    local left = limit + 1
    each_of_class(book, string.sub(classes, i, i), start, stop, after, function(place, id, expiry)
      if id == without then return false end
      local high, low, token = struct.unpack('>I4I4I7', place, 2)
      all[#all + 1] = {high, low, token, id, expiry}
      left = left - 1
      return left == 0
    end)
  end
  table.sort(all, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    if a[2] ~= b[2] then return a[2] < b[2] end
    return a[3] < b[3]
  end)
  return all
end

-- Appends record, id and ms left, -1 for ever, of the first `limit` of `all` to `answer`, until
-- they have `bytes_max` bytes.
-- @return whether some are left out
local function describe(book, all, limit, bytes_max, answer)
  local bytes = 0
  for i, one in ipairs(all) do
    if i > limit or bytes > bytes_max then return true end
    local record = redis.call('HGET', book.h, one[4])
    if record then
      answer[#answer + 1] = record
      answer[#answer + 1] = one[4]
      answer[#answer + 1] = one[5] == never and -1 or one[5] - book.now
      bytes = bytes + #record + #one[4]
    end
  end
  return false
end
