-- SPDX-License-Identifier: BSL-1.0
-- idle_holds: whether a key that is locked has holds, live or not.
--   1  key
--   returns  a row if it has
SELECT class FROM holdfast_range_hold FORCE INDEX (by_start) WHERE `key` = ? LIMIT 1
