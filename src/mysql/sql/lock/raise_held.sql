-- SPDX-License-Identifier: BSL-1.0
-- raise_held: lifts the fence of a name that our value holds; one that is there already stays.
--   1  the lowest that it may be   2  name   3  value
UPDATE holdfast_lock SET fence = GREATEST(fence, ?)
 WHERE name = ? AND value = ?
   AND expires > TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6))
