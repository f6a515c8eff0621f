-- SPDX-License-Identifier: BSL-1.0
-- sweep_lock: locks a hold that has run out, unless somebody is at it.
--   1  key   2  id
--   returns  its expiry, or no row
SELECT expires
  FROM holdfast_range_hold
 WHERE `key` = ? AND id = ?
   AND expires <= TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6))
   FOR UPDATE SKIP LOCKED
