-- SPDX-License-Identifier: BSL-1.0
-- confirm_hold: makes a live hold permanent.
--   1, 5  key   2  id   3, 4  token of the hold that is meant; 0: whichever
--   writes  1 row, or none: it is not live, permanent already, or has another token
UPDATE holdfast_range_hold SET expires = 9223372036854775807
 WHERE `key` = ? AND id = ? AND expires < 9223372036854775807
   AND (? = 0 OR fence = ?)
   AND expires > GREATEST(COALESCE((SELECT k.seen FROM holdfast_range_key AS k
                                     WHERE k.`key` = ?), 0),
                          TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)))
