-- SPDX-License-Identifier: BSL-1.0
-- tables: which tables of ours there are.
--   returns  name, engine
SELECT TABLE_NAME, COALESCE(ENGINE, TABLE_TYPE)
  FROM information_schema.TABLES
 WHERE TABLE_SCHEMA = DATABASE()
   AND TABLE_NAME IN ('holdfast_lock', 'holdfast_range_hold', 'holdfast_range_key')
