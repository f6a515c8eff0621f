-- SPDX-License-Identifier: BSL-1.0
-- drop_expired: removes a hold that drop_lock has locked.
--   1  key   2  id
DELETE FROM holdfast_range_hold WHERE `key` = ? AND id = ?
