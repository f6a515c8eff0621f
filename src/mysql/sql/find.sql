-- SPDX-License-Identifier: BSL-1.0
-- find: a row, live or not.
--   1  id
--   returns  µs since 1970; 0; id, key, from, to, expiry, data
SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)), 0,
       l.id, l.`key`, l.`from`, l.`to`, l.expiry, l.data
  FROM `lock` AS l
 WHERE l.id = ?
