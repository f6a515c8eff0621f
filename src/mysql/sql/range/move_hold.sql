-- SPDX-License-Identifier: BSL-1.0
-- move_hold: moves a hold that is locked, behind lock_key and a look at what it overlaps.
--   1  class   2  start   3  end   4  token   5  the capacity that it was counted against
--   6  key   7  id
UPDATE holdfast_range_hold SET class = ?, starts = ?, ends = ?, fence = ?, granted = ?
 WHERE `key` = ? AND id = ?
