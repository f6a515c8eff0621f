-- range_sweep: put away what has run out, up to 1000 holds. O(log n) for each. Stands behind
-- range_clock and range_book.
--   KEYS[1]  '{hr:NAME}', see range_book
--   returns  how many
local book = book_of(KEYS[1])
book.next = 0
return close(sweep(book, 1000))
