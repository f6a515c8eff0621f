-- SPDX-License-Identifier: BSL-1.0
-- read: a name that is held, or was held a while ago.
--   1  name
--   returns  name, value, expiry, highest token, the server's clock
SELECT name, value, expires, fence,
       TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6))
  FROM holdfast_lock
 WHERE name = ?
