-- SPDX-License-Identifier: BSL-1.0
-- prolong: lets a hold that is locked last at least until a time.
--   1  expiry   2  key   3  id
UPDATE holdfast_range_hold SET expires = GREATEST(expires, ?) WHERE `key` = ? AND id = ?
