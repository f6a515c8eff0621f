-- SPDX-License-Identifier: BSL-1.0
-- drop_expired: removes a hold that has run out. It may have been made permanent since it was seen,
-- by a transaction of the application's own: then it stays.
--   1  key   2  id   3  now
DELETE FROM holdfast_range_hold WHERE `key` = ? AND id = ? AND expires <= ?
