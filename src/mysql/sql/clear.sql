-- SPDX-License-Identifier: BSL-1.0
-- clear: removes a row, live or not.
--   1  key   2  id
DELETE FROM `lock` WHERE `key` = ? AND id = ?
