-- SPDX-License-Identifier: BSL-1.0
-- hold_capacity_drop: gives a key a capacity of 1 again.
--   :key
DELETE FROM hold_key WHERE key = :key;
