-- SPDX-License-Identifier: BSL-1.0
-- drop_lock: locks a hold that has run out, unless somebody is at it.
--   1  key   2  id
--   returns  its expiry; no row: it is gone, or locked
SELECT expires FROM holdfast_range_hold WHERE `key` = ? AND id = ? FOR UPDATE SKIP LOCKED
