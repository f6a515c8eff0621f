-- hand_over: the end of other scripts: gives the lock to those of the line who may have it, first
-- come, first served, and tells them. O(1) for each of them, and for each dead one before them.
--   KEYS     lock, fence, line, waiters
--   floor, seconds  as tokens has them
--   me       the caller's seat, or nil: it is not told but answered
--   own_ttl  for how long the caller gets it; others get it until the lease of their place ends
--   moved    whether the first of the line has changed already
--   answer   what to return, or nil: then the script goes on with
--   mine     nil, or the caller has it now: its first token, 0 if it wants none
--   first    the first who still waits, or nil
-- Published: 'NUMBER g SERIAL TOKEN' to each who got it; 'NUMBER h' to who is the first now.
local mine
local full = false  -- Given to one alone: nobody else fits.
local first = redis.call('ZRANGE', KEYS[3], 0, 0)[1]
while first do
  local place = place_of(first)
  if place then
    local stays
    if full or not fits(place.mode, place.permits) then
      stays = first == me or not moved or tell(first, place, 'h')
    else
      local token, wrong = draw_tokens(KEYS[2], place.tokens, floor, seconds)
      if not token and first == me then
        step_out(me)
        return wrong
      end
      stays = not token
      if first == me then
        give(place.mode, place.value, own_ttl)
        mine = token
        full = place.mode == 'x'
      elseif token and tell(first, place, string.format('g %s %.0f', place.serial, token)) then
        give(place.mode, place.value, place.expiry - now())
        full = place.mode == 'x'
      end
    end
    if stays then break end
  end
  step_out(first)
  moved = true
  first = redis.call('ZRANGE', KEYS[3], 0, 0)[1]
end
if answer then return answer end
