-- take_all: take several locks, or none; recognise those that an earlier attempt of ours has taken.
-- O(number of locks); touches their keys only. Stands behind tokens.
--   KEYS     lock, fence of each
--   ARGV[1]  the floor, ARGV[2] seconds, as tokens has them
--   ARGV[3]  '1' if an earlier attempt may have taken them, else '0'
--   ARGV[4]...  of each: our value, ttl in ms > 0, '1' to draw a token or '0'
--   returns  {0, n} the n-th is in the way | {1, ...}, for each: 1 taken now or 2 was ours, token
-- What was ours keeps its expiry, so that validity may be counted from before the first attempt.
local several = #KEYS / 2
local answer = {1}
for i = 1, several do
  local holder = redis.pcall('GET', KEYS[2 * i - 1])
  if holder and (holder ~= ARGV[3 * i + 1] or ARGV[3] ~= '1') then return {0, i} end
  answer[2 * i] = holder and 2 or 1
end
for i = 1, several do
  local token, wrong = draw_tokens(KEYS[2 * i], tonumber(ARGV[3 * i + 3]), ARGV[1], ARGV[2])
  if not token then return wrong end
  answer[2 * i + 1] = token
end
for i = 1, several do
  if answer[2 * i] == 1 then
    redis.call('SET', KEYS[2 * i - 1], ARGV[3 * i + 1], 'PX', ARGV[3 * i + 2])
  end
end
return answer
