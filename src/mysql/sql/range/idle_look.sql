-- SPDX-License-Identifier: BSL-1.0
-- idle_look: the next few keys, and whether they may be forgotten if they have no holds: the next
-- token is then no lower than the clock. Locks none.
--   1  the key behind which to go on
--   returns  key, 1 or 0
SELECT `key`,
       capacity = 1
       AND GREATEST(seen, fence)
           < TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)) - 600000000
  FROM holdfast_range_key
 WHERE `key` > ?
 ORDER BY `key`
 LIMIT 32
