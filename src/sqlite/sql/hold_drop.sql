-- SPDX-License-Identifier: BSL-1.0
-- hold_drop: removes a hold, live or not.
--   :key  :id
DELETE FROM hold WHERE key = :key AND id = :id;
