-- SPDX-License-Identifier: BSL-1.0
-- hold_capacity: how many units of a key may be held at once.
--   :key   returns  it, or nothing for 1
SELECT capacity FROM hold_key WHERE key = :key;
