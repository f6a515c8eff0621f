-- range_list: tell of the live holds that overlap a range, in order of start, then of token.
-- O(log n + limit) for each class in use. Stands behind range_clock, range_book, range_overlap and
-- range_window.
--   KEYS[1]  '{hr:NAME}', see range_book
--   ARGV[1]  start, ARGV[2] end
--   ARGV[3]  start and token to begin with, 15 bytes, or ''
--   ARGV[4]  limit, > 0
--   ARGV[5]  not many more bytes than these
--   returns  {own capacity, 1 if there are more, {record, id, ms left or -1}...}
--            {-3} much has run out here: have it put away, and ask again
local book, limit = book_of(KEYS[1]), tonumber(ARGV[4])
book.reads = true
local all = window(book, ARGV[1], ARGV[2], ARGV[3] ~= '' and ARGV[3], limit)
if met >= tired_at then return {-3} end
local answer = {book.capacity, 0}
if describe(book, all, limit, tonumber(ARGV[5]), answer) then answer[2] = 1 end
return answer
