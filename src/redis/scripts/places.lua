-- places: part of other scripts: the places in the line of those who wait. Needs shares.
--   KEYS[3]  line key: a sorted set of seats, each with when it came, in µs by the server's clock
--   KEYS[4]  waiters key: a hash from seats to 'EXPIRYms:MODE:PERMITS:TOKENS:LISTENS:SERIAL:VALUE'
-- A seat is 'CHANNEL.NUMBER'.

-- @return what stands at a place; nil if its lease has run out
local function place_of(seat)
  local text = redis.call('HGET', KEYS[4], seat)
  if not text then return nil end
  local expiry, mode, permits, tokens, listens, serial, value =
    string.match(text, '^(%d+):(%a):(%d+):(%d+):(%d):(%d+):(.*)$')
  if not expiry or tonumber(expiry) <= now() then return nil end
  return {expiry = tonumber(expiry), mode = mode, permits = tonumber(permits),
          tokens = tonumber(tokens), listens = listens == '1', serial = serial, value = value}
end

local function step_out(seat)
  redis.call('ZREM', KEYS[3], seat)
  redis.call('HDEL', KEYS[4], seat)
end

-- @return false if its process is gone: it would listen, but nobody does. Once back, it asks.
-- pcall: who may not publish still may release; those who wait find out when they ask again.
local function tell(seat, place, words)
  local channel, number = string.match(seat, '^(.*)%.(%d+)$')
  return redis.pcall('PUBLISH', channel, number .. ' ' .. words) ~= 0 or not place.listens
end
