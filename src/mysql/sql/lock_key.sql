-- SPDX-License-Identifier: BSL-1.0
-- lock_key: locks the row of a key until the end of the transaction, and raises its fence. All that
-- writes rows of the key comes through here, so it is written, not only read: a cluster's other
-- nodes see no read locks.
--   1  key
INSERT INTO lock_key (`key`, fence) VALUES (?, 1) ON DUPLICATE KEY UPDATE fence = fence + 1
