-- SPDX-License-Identifier: BSL-1.0
-- reset_capacity: gives a key room for one, as keys have that nobody asked for.
--   1  key
UPDATE holdfast_range_key SET capacity = 1 WHERE `key` = ?
