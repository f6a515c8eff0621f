-- take_share: take a shared or counted lock, or recognise that an earlier attempt of ours has taken
-- it. O(log n), and O(length of the line) for a shared lock that readers hold. Stands behind
-- shares, tokens, holding, places.
--   KEYS     lock, fence, line, waiters
--   ARGV[1]  our value
--   ARGV[2]  ttl, integer milliseconds, > 0
--   ARGV[3]  mode, 's' or 'c'
--   ARGV[4]  permits
--   ARGV[5]  '1' to draw a token, '0' not to
--   ARGV[6]  the floor, ARGV[7] seconds, as tokens has them
--   returns  {0, holder or nil, ms left} | {1, token} taken now | {2, token} was ours already
-- What was ours keeps its expiry, so that validity may be counted from before the first attempt.
local value, mode = ARGV[1], ARGV[3]

-- Else readers that come and go would keep writers out for ever. One whose process is gone does not
-- hear that it is asked for.
local function writer_waits()
  for _, seat in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    local place = place_of(seat)
    if place and place.mode == 'x' then
      if tell(seat, place, '?') then return true end
      step_out(seat)
    end
  end
  return false
end

local kind = look()
local verdict = 1
if (kind == 's' or kind == 'c') and share_of(value) == 1 then
  verdict = 2
elseif not fits(mode, tonumber(ARGV[4])) or (kind == 's' and writer_waits()) then
  return {0, holder_for(mode)}
end
local token, wrong = draw_tokens(KEYS[2], tonumber(ARGV[5]), ARGV[6], ARGV[7])
if not token then return wrong end
if verdict == 1 then give(mode, value, ARGV[2]) end
return {verdict, token}
