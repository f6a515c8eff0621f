-- SPDX-License-Identifier: BSL-1.0
-- get: a live row.
--   1  key   2  id
--   returns  µs since 1970; 0; id, key, from, to, expiry, data
SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)), 0,
       l.id, l.`key`, l.`from`, l.`to`, l.expiry, l.data
  FROM `lock` AS l
 WHERE l.`key` = ? AND l.id = ?
   AND l.expiry + 0e0 > TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)) / 1000
