-- SPDX-License-Identifier: BSL-1.0
-- drop_look: whether a hold is there that drop_lock did not find.
--   1  key   2  id
--   returns  a row if it is
SELECT class FROM holdfast_range_hold WHERE `key` = ? AND id = ?
