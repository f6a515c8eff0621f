-- SPDX-License-Identifier: BSL-1.0
-- set_capacity: gives a key room for more than one. A row that is new knows the classes of holds
-- that are there, as with make_key.
--   1, 3  key   2, 4  capacity
INSERT INTO holdfast_range_key (`key`, capacity, classes)
VALUES (?, ?, (SELECT COALESCE(BIT_OR(1 << (used.class - 1)), 0)
                 FROM (SELECT DISTINCT class
                         FROM holdfast_range_hold FORCE INDEX (by_start)
                        WHERE `key` = ? AND class > 0) AS used))
ON DUPLICATE KEY UPDATE capacity = ?
