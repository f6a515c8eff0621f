-- SPDX-License-Identifier: BSL-1.0
-- idle_lock: locks a key that may be forgotten, unless somebody is at it.
--   1  key
--   returns  its fence, or no row
SELECT fence
  FROM holdfast_range_key
 WHERE `key` = ? AND capacity = 1
   AND GREATEST(seen, fence)
       < TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)) - 600000000
   FOR UPDATE SKIP LOCKED
