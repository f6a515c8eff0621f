-- SPDX-License-Identifier: BSL-1.0
-- renew: gives a lock its time anew if our value holds it. The clock is read behind the lock on the
-- row: a statement that had to wait brings nothing back that ran out meanwhile.
--   1  ttl, µs   2  name   3  value
--   writes  1 row, or none: it does not, or it has that expiry already
UPDATE holdfast_lock
   SET expires = ? + TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6))
 WHERE name = ? AND value = ?
   AND expires > TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6))
