-- SPDX-License-Identifier: BSL-1.0
-- own: a hold, live or not, locked until the end of the transaction.
--   1  key   2  id
--   returns  id, start, end, units, token, expiry, owner, data, class, the capacity granted under
SELECT id, starts, ends, units, fence, expires, owner, data, class, granted
  FROM holdfast_range_hold
 WHERE `key` = ? AND id = ?
   FOR UPDATE
