-- SPDX-License-Identifier: BSL-1.0
-- idle_drop: forgets a key that is locked.
--   1  key
DELETE FROM holdfast_range_key WHERE `key` = ?
