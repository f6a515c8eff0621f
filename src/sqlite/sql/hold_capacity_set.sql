-- SPDX-License-Identifier: BSL-1.0
-- hold_capacity_set: sets the capacity of a key.
--   :key  :capacity
INSERT INTO hold_key (key, capacity) VALUES (:key, :capacity)
ON CONFLICT (key) DO UPDATE SET capacity = excluded.capacity;
