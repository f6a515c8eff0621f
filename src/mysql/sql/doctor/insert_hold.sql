-- SPDX-License-Identifier: BSL-1.0
-- insert_hold: tries the rights INSERT and SELECT; no row is written.
INSERT INTO holdfast_range_hold (`key`, id, class, starts, ends, expires, fence, units, granted,
    owner, data)
SELECT `key`, id, class, starts, ends, expires, fence, units, granted,
    owner, data
  FROM holdfast_range_hold WHERE 1 = 0
