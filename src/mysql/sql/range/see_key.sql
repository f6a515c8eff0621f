-- SPDX-License-Identifier: BSL-1.0
-- see_key: a key, without a lock, and where to start looking for its holds of class 0.
--   1, 3  key   2  the start of a range
--   returns  fence, capacity, seen, classes, the server's clock, the start of the last hold of
--            class 0 that starts no later than the range; no row: nobody asked for the key yet
SELECT k.fence, k.capacity, k.seen, k.classes,
       TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)),
       (SELECT MAX(h.starts)
          FROM holdfast_range_hold AS h FORCE INDEX (by_start)
         WHERE h.`key` = ? AND h.class = 0 AND h.starts <= ?)
  FROM holdfast_range_key AS k
 WHERE k.`key` = ?
