-- SPDX-License-Identifier: BSL-1.0
-- renew_hold: gives a live hold that is not permanent its time anew. The clock is read behind the
-- lock on its row. The key's row is read as it is, without a lock.
--   1  ttl, µs   2, 3, 7  key   4  id   5, 6  token of the hold that is meant; 0: whichever
--   writes  1 row, or none: it is not live, it is permanent, it has another token, or that expiry
--           already
UPDATE holdfast_range_hold
   SET expires = ? + GREATEST(COALESCE((SELECT k.seen FROM holdfast_range_key AS k
                                         WHERE k.`key` = ?), 0),
                              TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)))
 WHERE `key` = ? AND id = ? AND expires < 9223372036854775807
   AND (? = 0 OR fence = ?)
   AND expires > GREATEST(COALESCE((SELECT k.seen FROM holdfast_range_key AS k
                                     WHERE k.`key` = ?), 0),
                          TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)))
