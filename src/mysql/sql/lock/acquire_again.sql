-- SPDX-License-Identifier: BSL-1.0
-- acquire_again: draws another token for a name that our value holds.
--   1  name   2  value
--   writes   1 row if it does
--   brings   the token, as the id that was inserted
UPDATE holdfast_lock
   SET fence = LAST_INSERT_ID(GREATEST(
           fence + 1, TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6))))
 WHERE name = ? AND value = ?
   AND expires > TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6))
