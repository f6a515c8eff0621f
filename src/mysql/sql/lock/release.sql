-- SPDX-License-Identifier: BSL-1.0
-- release: frees a name if our value holds it. The row stays for the sweep, because it remembers
-- the token. Its end is set back further than a statement may wait for a row: acquire goes by the
-- time of its start.
--   1  name   2  value
UPDATE holdfast_lock
   SET value = '',
       expires = TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) - 10000000
 WHERE name = ? AND value = ?
   AND expires > TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6))
