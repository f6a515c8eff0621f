-- SPDX-License-Identifier: BSL-1.0
-- tidy_look: some rows that have been expired for a while by the server's clock; locks none.
--   1  for how long, ms
--   returns  id
SELECT id FROM `lock`
 WHERE expiry + 0e0 <= TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)) / 1000 - ?
 LIMIT 128
