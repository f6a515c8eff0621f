-- SPDX-License-Identifier: BSL-1.0
-- look_again: behind commit: the first live row that overlaps one of ours and is another one.
--   1  key   2  id of ours   3  to   4  from
--   returns  µs since 1970; 0; id, key, from, to, expiry, data
SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)), 0,
       l.id, l.`key`, l.`from`, l.`to`, l.expiry, l.data
  FROM `lock` AS l
 WHERE l.`key` = ? AND l.id <> ? AND l.`from` + 0e0 < ? AND l.`to` + 0e0 > ?
   AND l.expiry + 0e0 > TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)) / 1000
 ORDER BY l.`from` + 0e0, l.id
 LIMIT 1
