-- tokens: part of other scripts: draws `count` fencing tokens in a row. O(1).
--   key      fence key
--   count    how many; 0: none are wanted
--   floor    a counter below it was started anew
--   seconds  how long the counter lives then
-- @return the first of them, 0 if none are wanted; or nil, and the error to reply with
local function draw_tokens(key, count, floor, seconds)
  if count == 0 then return 0 end
  local last = redis.pcall('INCRBY', key, count)
  if type(last) == 'table' then return nil, last end
  if last < tonumber(floor) then
    local time = redis.call('TIME')
    redis.call('SET', key, time[1] .. string.format('%06d', time[2]), 'EX', seconds)
    last = redis.call('INCRBY', key, count)
  end
  return last - count + 1
end
