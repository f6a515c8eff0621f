-- SPDX-License-Identifier: BSL-1.0
-- sweep: removes a hold that sweep_lock has locked.
--   1  key   2  id
DELETE FROM holdfast_range_hold WHERE `key` = ? AND id = ?
