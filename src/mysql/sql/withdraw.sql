-- SPDX-License-Identifier: BSL-1.0
-- withdraw: removes a row of ours.
--   1  id
DELETE FROM `lock` WHERE id = ?
