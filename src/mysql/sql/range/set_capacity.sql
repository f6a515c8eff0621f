-- SPDX-License-Identifier: BSL-1.0
-- set_capacity: gives a key room for more than one.
--   1  key   2, 3  capacity
INSERT INTO holdfast_range_key (`key`, capacity) VALUES (?, ?) ON DUPLICATE KEY UPDATE capacity = ?
