-- SPDX-License-Identifier: BSL-1.0
-- tables: which of the tables of a store are there.
--   1, 2  their names
--   returns  name, engine
SELECT TABLE_NAME, COALESCE(ENGINE, TABLE_TYPE)
  FROM information_schema.TABLES
 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (?, ?)
