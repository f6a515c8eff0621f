-- SPDX-License-Identifier: BSL-1.0
-- lock_key: locks the row of a key until the end of the transaction. The time is read behind that.
--   1  key
--   returns  fence, capacity, seen, classes, the server's clock; no row: nobody asked for it yet
SELECT fence, capacity, seen, classes,
       TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6))
  FROM holdfast_range_key
 WHERE `key` = ?
   FOR UPDATE
