-- SPDX-License-Identifier: BSL-1.0
-- list: the names that are held, sorted.
--   1  the first   2  the one behind the last
--   returns  as read
SELECT name, value, expires, fence,
       TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6))
  FROM holdfast_lock
 WHERE name >= ? AND name < ?
   AND expires > TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6))
 ORDER BY name
