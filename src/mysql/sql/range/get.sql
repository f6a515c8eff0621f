-- SPDX-License-Identifier: BSL-1.0
-- get: a hold, live or not, and the time of its key.
--   1  key   2  id
--   returns  id, start, end, units, token, expiry, owner, data, now
SELECT h.id, h.starts, h.ends, h.units, h.fence, h.expires, h.owner, h.data,
       GREATEST(COALESCE(k.seen, 0),
                TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', SYSDATE(6)))
  FROM holdfast_range_hold AS h
  LEFT JOIN holdfast_range_key AS k ON k.`key` = h.`key`
 WHERE h.`key` = ? AND h.id = ?
