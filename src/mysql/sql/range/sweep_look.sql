-- SPDX-License-Identifier: BSL-1.0
-- sweep_look: the holds that ran out first, of whichever key; locks none.
--   returns  key, id
SELECT `key`, id
  FROM holdfast_range_hold FORCE INDEX (by_expiry)
 WHERE expires <= TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6))
 ORDER BY expires
 LIMIT 2
