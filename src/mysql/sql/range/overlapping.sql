-- SPDX-License-Identifier: BSL-1.0
-- overlapping: the next holds of a class that overlap a range, live or not, in order, without what
-- only their owners want to know.
--   1  key   2  class   3  the lowest start   4  the end of the range   5  its start
--   6, 7  start, 8  token behind which to go on
--   returns  id, start, end, units, token, expiry
SELECT id, starts, ends, units, fence, expires
  FROM holdfast_range_hold FORCE INDEX (by_start)
 WHERE `key` = ? AND class = ? AND starts >= ? AND starts < ? AND ends > ?
   AND (starts > ? OR (starts = ? AND fence > ?))
 ORDER BY starts, fence
 LIMIT 256
