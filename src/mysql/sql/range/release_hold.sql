-- SPDX-License-Identifier: BSL-1.0
-- release_hold: removes a live hold.
--   1  key   2  id   3  1: a permanent one, too
--   4, 5  token of the hold that is meant; 0: whichever
DELETE FROM holdfast_range_hold
 WHERE `key` = ? AND id = ?
   AND (? = 1 OR expires < 9223372036854775807)
   AND (? = 0 OR fence = ?)
   AND expires > TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6))
