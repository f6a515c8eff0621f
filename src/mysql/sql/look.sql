-- SPDX-License-Identifier: BSL-1.0
-- look: behind lock_key: the time, now that it is our turn, and the first live row that overlaps.
-- The columns are text; `+ 0e0` makes them numbers, as the original's comparisons do.
--   1  to   2  from   3  key
--   returns  µs since 1970; the fence; id, key, from, to, expiry, data: NULL if nothing overlaps
SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)), k.fence,
       l.id, l.`key`, l.`from`, l.`to`, l.expiry, l.data
  FROM lock_key AS k
  LEFT JOIN `lock` AS l
    ON l.`key` = k.`key` AND l.`from` + 0e0 < ? AND l.`to` + 0e0 > ?
   AND l.expiry + 0e0 > TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)) / 1000
 WHERE k.`key` = ?
 ORDER BY l.`from` + 0e0, l.id
 LIMIT 1
