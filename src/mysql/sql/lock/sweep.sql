-- SPDX-License-Identifier: BSL-1.0
-- sweep: removes up to 16 rows that have been free for a minute.
--   1 to 16  name, or NULL
DELETE FROM holdfast_lock
 WHERE name IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
   AND GREATEST(expires + 60000000, fence)
       < TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6))
