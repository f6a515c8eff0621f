-- SPDX-License-Identifier: BSL-1.0
-- make_key: makes the row of a key, and locks it. Who waits here for another one that makes it asks
-- for the lock that is wanted in the end, so that two of them do not stand in each other's way.
--   1  key
INSERT INTO holdfast_range_key (`key`) VALUES (?) ON DUPLICATE KEY UPDATE fence = fence
