-- SPDX-License-Identifier: BSL-1.0
-- before: where to start looking for the holds of class 0 that overlap a range: they do not overlap
-- each other, so only the last one that starts no later than the range can reach into it.
--   1  key   2  the start of a range
--   returns  the start of that one, or NULL
SELECT MAX(starts)
  FROM holdfast_range_hold FORCE INDEX (by_start)
 WHERE `key` = ? AND class = 0 AND starts <= ?
