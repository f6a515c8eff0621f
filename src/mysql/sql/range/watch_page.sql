-- SPDX-License-Identifier: BSL-1.0
-- watch_page: as page, without what only the owners want to know.
--   1  key   2  class   3  the lowest start   4  the end of the range   5  its start   6  now
--   7, 8  start, 9  token behind which to go on   10  how many
--   returns  id, start, end, units, token, expiry
SELECT id, starts, ends, units, fence, expires
  FROM holdfast_range_hold FORCE INDEX (by_start)
 WHERE `key` = ? AND class = ? AND starts >= ? AND starts < ? AND ends > ? AND expires > ?
   AND (starts > ? OR (starts = ? AND fence > ?))
 ORDER BY starts, fence
 LIMIT ?
