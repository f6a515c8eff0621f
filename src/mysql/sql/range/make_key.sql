-- SPDX-License-Identifier: BSL-1.0
-- make_key: makes the row of a key, and locks it. Who waits here for another one that makes it asks
-- for the lock that is wanted in the end, so that two of them do not stand in each other's way. If
-- the row was lost and the holds were not, it knows their classes again.
--   1, 2  key
INSERT INTO holdfast_range_key (`key`, classes)
VALUES (?, (SELECT COALESCE(BIT_OR(1 << (used.class - 1)), 0)
              FROM (SELECT DISTINCT class
                      FROM holdfast_range_hold FORCE INDEX (by_start)
                     WHERE `key` = ? AND class > 0) AS used))
ON DUPLICATE KEY UPDATE fence = fence
