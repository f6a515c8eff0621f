-- SPDX-License-Identifier: BSL-1.0
-- insert_hold: makes a hold, behind lock_key and a look at what it overlaps.
--   1  key   2  id   3  class   4  start   5  end   6  expiry   7  token   8  units
--   9  the capacity that it was counted against   10  owner   11  data
INSERT INTO holdfast_range_hold
       (`key`, id, class, starts, ends, expires, fence, units, granted, owner, data)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
