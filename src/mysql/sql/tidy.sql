-- SPDX-License-Identifier: BSL-1.0
-- tidy: removes up to 16 rows by their ids, which are never used again. By id alone: a look at text
-- that is no number would be an error in a statement that writes.
--   1 to 16  id, or NULL
DELETE FROM `lock` WHERE id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
